import { testPages } from './page-commands.js';

// The guide's pages are run with the slower suites.
testPages(['README.md', 'CONTRIBUTING.md']);

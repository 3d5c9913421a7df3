import { readdirSync } from 'node:fs';
import { testPages } from './page-commands.js';

testPages(readdirSync(new URL('../../docs/guide', import.meta.url)).map((page) => `docs/guide/${page}`));

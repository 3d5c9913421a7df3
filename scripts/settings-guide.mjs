// The page docs/guide/settings.md, from the declaration of the settings. After a build:
//   node scripts/settings-guide.mjs > docs/guide/settings.md

import { settingDescription, variableName } from '../packages/eventlake/dist/config/schema.js';
import { describeSettings, loadSettings } from '../packages/eventlake/dist/config.js';

const loaded = await loadSettings({ cwd: '/', env: {} });
const rows = describeSettings(loaded).map(({ path, value }) => {
  const shown = { dataDir: './.eventlake', lakehouse: '' }[path] ?? value ?? '';
  return `| \`${path}\` | ${shown === '' ? '–' : `\`${shown}\``} | \`${variableName(path)}\` | ${settingDescription(path)} |`;
});

process.stdout.write(`# Settings

Defaults, then \`eventlake.config.ts\` (or \`.js\`, \`.mjs\`) in the working directory, then \`EVENTLAKE_*\` variables, then flags: each
overrides the ones before. What is in force, and where each value came from:

\`\`\`sh
npx eventlake config
npx eventlake config --explain
npx eventlake config --set rawLanding.commitIntervalMs=500
\`\`\`

A settings file holds any part of them:

\`\`\`ts
import { defineConfig } from 'eventlake';

export default defineConfig({
  dataDir: './data',
  rawLanding: { commitIntervalMs: 500 },
});
\`\`\`

Relative paths in a file are relative to that file, others to the working directory. An unknown setting or a value that is
not allowed is refused, with its name, where it came from, and what is allowed.

| setting | default | variable | meaning |
| --- | --- | --- | --- |
${rows.join('\n')}
`);

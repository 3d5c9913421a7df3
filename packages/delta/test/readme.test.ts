import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { tempFolder } from './support/temp.js';

const README = fileURLToPath(new URL('../README.md', import.meta.url));
/** What `npm run build` made of the sources, as a user has it. */
const BUILT = pathToFileURL(fileURLToPath(new URL('../dist/index.js', import.meta.url))).href;

/** The README is one program, told in parts; `// →` is what it prints. */
test('every snippet of the README runs, one after the other, and prints what it says', async () => {
  const text = readFileSync(README, 'utf8');
  const code = [...text.matchAll(/```js\n([\s\S]*?)```/g)].map(([, snippet]) => snippet).join('\n');
  const expected = [...code.matchAll(/^\/\/ → ?(.*)$/gm)].map(([, line]) => line);
  const folder = await tempFolder();
  await writeFile(join(folder, 'readme.mjs'), code.replaceAll("'@eventlake/delta'", `'${BUILT}'`));
  const { stdout } = await promisify(execFile)(process.execPath, ['readme.mjs'], { cwd: folder });
  expect(stdout.trimEnd().split('\n')).toEqual(expected);
});

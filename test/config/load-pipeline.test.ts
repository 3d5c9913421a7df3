import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadPipeline } from '../../packages/eventlake/src/config/load-pipeline.js';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'eventlake-pipeline-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

const MINIMAL = `{ event: { topic: 'mine' }, gold: [], live: {} }`;

test('a package is found from the working directory', async () => {
  const folder = join(cwd, 'node_modules', 'mine');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{"name":"mine","type":"module","exports":"./index.js"}');
  await writeFile(join(folder, 'index.js'), `export default ${MINIMAL};`);
  expect((await loadPipeline('mine', cwd)).event.topic).toBe('mine');
});

test('the default pipeline is found from anywhere', async () => {
  expect((await loadPipeline('@eventlake/user-events', cwd)).event.topic).toBe('user-events');
});

test('a path may be TypeScript', async () => {
  await writeFile(join(cwd, 'mine.ts'), `const p: unknown = ${MINIMAL};\nexport default p;`);
  expect((await loadPipeline(join(cwd, 'mine.ts'), cwd)).event.topic).toBe('mine');
});

test('what is not there, does not load or declares nothing is told apart', async () => {
  await expect(loadPipeline('no-such-pipeline', cwd)).rejects.toMatchObject({ kind: 'not-found' });
  await writeFile(join(cwd, 'broken.mjs'), 'export default {');
  await expect(loadPipeline(join(cwd, 'broken.mjs'), cwd)).rejects.toMatchObject({ kind: 'invalid' });
  await writeFile(join(cwd, 'other.mjs'), 'export default 5;');
  await expect(loadPipeline(join(cwd, 'other.mjs'), cwd)).rejects.toThrow('declares no pipeline');
});

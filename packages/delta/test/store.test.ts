import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { localStore, memoryStore } from '../src/index.js';
import { storeContract } from './contracts/store.js';
import { tempFolder, touch } from './support/temp.js';

storeContract('memory', async () => ({ store: memoryStore(), close: async () => {} }));

storeContract('a local folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'eventlake-store-'));
  return { store: localStore(folder), close: () => rm(folder, { recursive: true, force: true }) };
});

it('leaves no temporary file behind, whoever won', async () => {
  const folder = await tempFolder();
  const store = localStore(folder);
  await Promise.all([1, 2, 3].map((i) => store.putIfAbsent('a', Uint8Array.of(i))));
  await store.put('a', Uint8Array.of(9));
  expect(await readdir(folder)).toEqual(['a']);
});

it('does not list the temporary files of a writer that was killed', async () => {
  const folder = await tempFolder();
  await writeFile(join(folder, '.tmp-of-the-dead'), 'half');
  const paths: string[] = [];
  for await (const { path } of localStore(folder).list('')) paths.push(path);
  expect(paths).toEqual([]);
});

it.skipIf(process.getuid?.() === 0)('says what to do where the folder cannot be written', async () => {
  const folder = await tempFolder();
  await chmod(folder, 0o500);
  await expect(localStore(folder).put('a', Uint8Array.of(1))).rejects.toMatchObject({
    kind: 'forbidden',
    hint: expect.stringContaining('right'),
  });
});

it('removes them once they are a day old, with the next write', async () => {
  const folder = await tempFolder();
  await writeFile(join(folder, '.tmp-of-the-dead'), 'half');
  await writeFile(join(folder, '.tmp-of-the-living'), 'half');
  await touch(join(folder, '.tmp-of-the-dead'), Date.now() - 25 * 3_600_000);
  await localStore(folder).put('a', Uint8Array.of(1));
  expect((await readdir(folder)).sort()).toEqual(['.tmp-of-the-living', 'a']);
});

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { createTable, localStore, openTable } from '../src/index.js';
import { NUMBERS } from './support/tables.js';
import { tempFolder } from './support/temp.js';

const APPENDER = fileURLToPath(new URL('./support/appender.mjs', import.meta.url));

it('several processes append at once, and every commit is there once', async () => {
  const root = await tempFolder();
  const table = await createTable(localStore(root), 'a/t', { schema: NUMBERS });
  const names = ['one', 'two', 'three', 'four'];
  const run = promisify(execFile);
  await Promise.all(names.map((name) => run(process.execPath, [APPENDER, root, 'a/t', name, '25'])));

  const followed = await table.snapshot();
  const loaded = await (await openTable(localStore(root), 'a/t')).snapshot();
  const expected = names
    .flatMap((name) => Array.from({ length: 25 }, (_, i) => `${name}-${i}.parquet`))
    .sort();
  for (const snapshot of [followed, loaded]) {
    expect(snapshot.version).toBe(100);
    expect(
      snapshot
        .files()
        .map(({ path }) => path)
        .sort(),
    ).toEqual(expected);
    expect(names.map((name) => snapshot.txn(name))).toEqual([24, 24, 24, 24]);
  }
});

import { describe, expect, test } from 'vitest';
import { createTable, memoryStore, openTable, type Store } from '../src/index.js';
import { file, NUMBERS } from './support/tables.js';

/** The protocol's own example of the section "Log Compaction Files", with a version before and one after. */
async function tableWithCompaction(compacted: string): Promise<Store> {
  const store = memoryStore();
  const table = await createTable(store, 't', { schema: NUMBERS });
  await table.commit({ operation: 'WRITE', add: [file('f1')] });
  await table.commit({ operation: 'DELETE', readVersion: 1, add: [file('f2')], remove: [file('f1')] });
  await table.commit({
    operation: 'WRITE',
    add: [file('f3'), file('f4')],
    txn: { appId: 'app', version: 4389 },
  });
  await table.commit({
    operation: 'DELETE',
    readVersion: 3,
    remove: [file('f3')],
    txn: { appId: 'app', version: 4390 },
  });
  await table.commit({ operation: 'WRITE', add: [file('f5')] });
  await store.put(`t/_delta_log/${name(2)}.${name(4)}.compacted.json`, new TextEncoder().encode(compacted));
  return store;
}

const name = (version: number): string => String(version).padStart(20, '0');
const inline = (id: string): object => ({
  storageType: 'i',
  pathOrInlineDv: id,
  sizeInBytes: 1,
  cardinality: 1,
});
const GOOD = [
  { add: file('f2') },
  { add: file('f4') },
  { remove: { path: 'f1', dataChange: true, deletionTimestamp: 1 } },
  { remove: { path: 'f3', dataChange: true, deletionTimestamp: 1 } },
  // Legal here, though never in a commit: the same file with two deletion vectors, one after the other.
  { remove: { path: 'f0', dataChange: true, deletionTimestamp: 1, deletionVector: inline('a') } },
  { remove: { path: 'f0', dataChange: true, deletionTimestamp: 1, deletionVector: inline('b') } },
  { txn: { appId: 'app', version: 4390 } },
]
  .map((action) => JSON.stringify(action))
  .join('\n');

async function newest(store: Store): Promise<{ paths: string[]; position: number | undefined }> {
  const snapshot = await (await openTable(store, 't')).snapshot();
  return {
    paths: snapshot
      .files()
      .map(({ path }) => path)
      .sort(),
    position: snapshot.txn('app'),
  };
}

describe('log compaction files', () => {
  test('stand for their commits', async () => {
    const store = await tableWithCompaction(GOOD);
    const all = { paths: ['f2', 'f4', 'f5'], position: 4390 };
    expect(await newest(store)).toEqual(all);
    for (const version of [2, 3, 4]) await store.delete(`t/_delta_log/${name(version)}.json`);
    expect(await newest(store)).toEqual(all);
  });

  test('that are broken are done without', async () => {
    expect(await newest(await tableWithCompaction('{"add":'))).toEqual({
      paths: ['f2', 'f4', 'f5'],
      position: 4390,
    });
  });

  test('leave versions in their middle readable', async () => {
    const table = await openTable(await tableWithCompaction(GOOD), 't');
    const files = (await table.snapshot({ version: 3 })).files().map(({ path }) => path);
    expect(files.sort()).toEqual(['f2', 'f3', 'f4']);
  });
});

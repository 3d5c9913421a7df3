import { memoryStore, openTable, type Store, StoreError } from '@eventlake/delta';
import { expect, test } from 'vitest';
import { openEngine } from './duckdb.js';

const table = { name: 'bronze.numbers', columns: [{ name: 'n', type: 'long' as const, nullable: false }] };

test.each([
  ['a folder', undefined],
  ['an object store', memoryStore],
])('on %s, the files of a commit whose answer was lost stay: it may have landed', async (_, newStore) => {
  const subject = await openEngine(newStore && { store: newStore() });
  const { engine, store } = subject;
  try {
    await engine.createTable(table);
    const session = await engine.open();
    const prepared = await session.prepare(table.name, 'SELECT 7 AS n');
    const comeBack = loseAnswerOfCommit(store);
    await expect(session.commit(prepared, { appId: 'job', version: 1 }, 'append')).rejects.toMatchObject({
      kind: 'unavailable',
    });
    comeBack();
    // Tried again it is skipped, and that is no proof that nothing needs the files.
    expect(await session.commit(prepared, { appId: 'job', version: 1 }, 'append')).toMatchObject({
      status: 'skipped',
    });
    await session.close();
    expect(await dataFiles(store)).toHaveLength(1);

    const after = await engine.open();
    await after.readTable('numbers', table.name);
    expect(await after.query('SELECT n FROM numbers')).toEqual([{ n: 7 }]);
    await after.close();
  } finally {
    await subject.close();
  }
});

test('the files of a commit that was surely not taken go with the session', async () => {
  const subject = await openEngine();
  const { engine, store } = subject;
  try {
    await engine.createTable(table);
    const session = await engine.open();
    for (const n of [1, 2]) {
      const prepared = await session.prepare(table.name, `SELECT ${n} AS n`);
      await session.commit(prepared, { appId: 'job', version: 1 }, 'append');
    }
    expect(await dataFiles(store)).toHaveLength(2);
    await session.close();
    expect(await dataFiles(store)).toHaveLength(1);
    expect((await (await openTable(store, 'bronze/numbers')).snapshot()).fileCount).toBe(1);
  } finally {
    await subject.close();
  }
});

async function dataFiles(store: Store): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of store.list('bronze/')) paths.push(path);
  return paths.filter((path) => path.endsWith('.parquet'));
}

/** The next commit lands, but nobody is told, and the store answers nothing more until it comes back. */
function loseAnswerOfCommit(store: Store): () => void {
  const { get, putIfAbsent } = store;
  store.putIfAbsent = async (path, data) => {
    await putIfAbsent.call(store, path, data);
    store.get = async (path) => {
      throw new StoreError('unavailable', 'The store does not answer', path);
    };
    throw new StoreError('unavailable', 'The answer was lost', path);
  };
  return () => Object.assign(store, { get, putIfAbsent });
}

import { memoryStore, openTable, type Store, StoreError } from '@eventlake/delta';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type EngineOnDisk, openEngine } from './duckdb.js';

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

describe('a full disk refuses a commit', () => {
  let subject: EngineOnDisk;
  beforeEach(async () => {
    subject = await openEngine();
    await subject.engine.createTable(table);
  });
  afterEach(() => subject.close());

  async function write(n: number) {
    const session = await subject.engine.open();
    try {
      const prepared = await session.prepare(table.name, `SELECT ${n} AS n`);
      return await session.commit(prepared, { appId: 'job', version: n }, 'append');
    } finally {
      await session.close();
    }
  }

  /** The next commit is refused, after this. */
  function refuseCommit(first: (path: string, data: Uint8Array) => Promise<unknown> = async () => {}) {
    const { putIfAbsent } = subject.store;
    subject.store.putIfAbsent = async (path, data) => {
      subject.store.putIfAbsent = putIfAbsent;
      await first(path, data);
      throw new StoreError('full', 'No space left', path);
    };
  }

  test('its files go with the session, and it can be tried again', async () => {
    refuseCommit();
    await expect(write(1)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await dataFiles(subject.store)).toEqual([]);
    expect(await write(1)).toMatchObject({ status: 'committed' });
    expect(await dataFiles(subject.store)).toHaveLength(1);
  });

  test('so do those of a compaction', async () => {
    for (const n of [1, 2]) await write(n);
    refuseCommit();
    const compacted = subject.engine.compact(table.name, { targetBytes: 1_000_000, minFiles: 2 });
    await expect(compacted).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await dataFiles(subject.store)).toHaveLength(2);
  });

  test('they stay where the commit has landed all the same', async () => {
    const { putIfAbsent } = subject.store;
    refuseCommit(putIfAbsent);
    await expect(write(1)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await write(1)).toMatchObject({ status: 'skipped' });
    expect(await dataFiles(subject.store)).toHaveLength(1);
  });

  test('and where another commit has landed meanwhile, since that might be this one', async () => {
    const another = await openTable(subject.store, 'bronze/numbers');
    refuseCommit(() => another.append([{ n: 2n }]));
    await expect(write(1)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await dataFiles(subject.store)).toHaveLength(2);
  });
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

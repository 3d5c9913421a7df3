import { describe, expect, it } from 'vitest';
import { createTable, localStore, memoryStore, openTable, type Store } from '../src/index.js';
import { DAYS, file, NUMBERS } from './support/tables.js';
import { tempFolder } from './support/temp.js';

describe('a table', () => {
  it('is created once', async () => {
    const store = memoryStore();
    const table = await createTable(store, 'bronze/t', { schema: NUMBERS, properties: { 'a.b': 'c' } });
    const snapshot = await table.snapshot();
    expect(snapshot.version).toBe(0);
    expect(snapshot.schema).toEqual(NUMBERS);
    expect(snapshot.metadata.configuration).toEqual({ 'a.b': 'c' });
    expect(snapshot.recordCount).toBe(0);
    await expect(createTable(store, 'bronze/t', { schema: NUMBERS })).rejects.toMatchObject({
      kind: 'already-exists',
    });
    const again = await createTable(store, 'bronze/t', { schema: DAYS }, { ifNotExists: true });
    expect((await again.snapshot()).schema).toEqual(NUMBERS);
  });

  it('is not opened where there is none', async () => {
    await expect(openTable(memoryStore(), 'nowhere')).rejects.toMatchObject({ kind: 'not-a-table' });
  });

  it('may lie at the root of its store', async () => {
    const store = memoryStore();
    await createTable(store, '', { schema: NUMBERS });
    expect((await (await openTable(store, '')).snapshot()).version).toBe(0);
  });

  it('shows each commit to whoever looks next, and old snapshots stay as they were', async () => {
    const store = memoryStore();
    const writer = await createTable(store, 't', { schema: NUMBERS });
    const reader = await openTable(store, 't');
    const empty = await reader.snapshot();
    expect(await writer.commit({ operation: 'WRITE', add: [file('a'), file('b')] })).toEqual({
      status: 'committed',
      version: 1,
      attempts: 1,
    });
    const full = await reader.snapshot();
    expect(empty.files()).toEqual([]);
    expect(full.version).toBe(1);
    expect(full.files().map(({ path }) => path)).toEqual(['a', 'b']);
    expect(full.recordCount).toBe(20);
    expect(full.sizeBytes).toBe(200);
  });

  it('reads any version', async () => {
    const table = await createTable(memoryStore(), 't', { schema: NUMBERS });
    for (const name of ['a', 'b', 'c']) await table.commit({ operation: 'WRITE', add: [file(name)] });
    const at = await table.snapshot({ version: 2 });
    expect(at.files().map(({ path }) => path)).toEqual(['a', 'b']);
    await expect(table.snapshot({ version: 4 })).rejects.toMatchObject({ kind: 'no-such-version' });
  });

  it('overwrites by removing what it read', async () => {
    const table = await createTable(memoryStore(), 't', { schema: NUMBERS });
    await table.commit({ operation: 'WRITE', add: [file('a'), file('b')] });
    const before = await table.snapshot();
    const change = { operation: 'WRITE', readVersion: 1, remove: before.files(), add: [file('c')] };
    expect((await table.commit(change)).status).toBe('committed');
    const after = await table.snapshot();
    expect(after.files().map(({ path }) => path)).toEqual(['c']);
    expect(after.sizeBytes).toBe(100);
  });

  it('looks at the log once for each write, and again where another writer was faster', async () => {
    let looks = 0;
    const inner = memoryStore();
    const store: Store = {
      ...inner,
      list(...given) {
        looks++;
        return inner.list(...given);
      },
    };
    const looksOf = async (write: Promise<{ version: number }>): Promise<number> => {
      const before = looks;
      await write;
      return looks - before;
    };
    const table = await createTable(store, 't', { schema: NUMBERS });
    const other = await openTable(inner, 't');
    const between = async function* () {
      yield { n: 1 };
      await other.append([{ n: 2 }]);
    };
    expect(await looksOf(table.append([{ n: 0 }]))).toBe(1);
    expect(await looksOf(table.append(between()))).toBe(2);
    // Where there are others, what it has is not relied on until it has won again.
    expect(await looksOf(table.append([{ n: 3 }]))).toBe(2);
    expect(await looksOf(table.append([{ n: 4 }]))).toBe(1);
    expect((await table.snapshot()).version).toBe(5);
    expect(await table.scan().count()).toBe(5);
  });

  it('asks a folder for new commits by name, and lists it where they may have been cleaned or are many', async () => {
    let lists = 0;
    const inner = localStore(await tempFolder());
    const store: Store = {
      ...inner,
      list(...given) {
        lists++;
        return inner.list(...given);
      },
    };
    const listsOf = async (seen: () => Promise<unknown>): Promise<number> => {
      const before = lists;
      await seen();
      return lists - before;
    };
    const table = await createTable(store, 't', { schema: NUMBERS });
    const other = await openTable(inner, 't');
    const looks = async (others: number): Promise<number> => {
      for (let n = 0; n < others; n++) await other.append([{ n }]);
      const count = await listsOf(() => table.snapshot());
      expect((await table.snapshot()).version).toBe((await other.snapshot()).version);
      return count;
    };
    expect(await listsOf(() => table.append([{ n: 0 }]))).toBe(0);
    expect(await looks(0)).toBe(0);
    expect(await looks(3)).toBe(0);
    expect(await looks(9)).toBe(1);
    await table.setProperties({ 'delta.logRetentionDuration': 'interval 0 seconds' });
    expect(await looks(0)).toBe(0);
    expect(await looks(0)).toBe(1);
    // Another table of the same name.
    await table.setProperties({ 'delta.logRetentionDuration': null });
    await table.snapshot();
    for await (const { path } of inner.list('t/')) await inner.delete(path);
    const another = await createTable(inner, 't', { schema: DAYS });
    expect((await table.snapshot()).schema).toEqual((await another.snapshot()).schema);
  });

  it('has a transaction version once, whoever commits it', async () => {
    const store = memoryStore();
    const table = await createTable(store, 't', { schema: NUMBERS });
    const other = await openTable(store, 't');
    const change = { operation: 'WRITE', add: [file('a')], txn: { appId: 'job', version: 7 } };
    expect((await table.commit(change)).status).toBe('committed');
    expect(await other.commit({ ...change, add: [file('b')] })).toEqual({
      status: 'already-committed',
      version: 1,
    });
    expect((await other.commit({ ...change, txn: { appId: 'job', version: 6 } })).status).toBe(
      'already-committed',
    );
    expect(
      (await other.commit({ ...change, add: [file('c')], txn: { appId: 'job', version: 8 } })).status,
    ).toBe('committed');
    expect((await table.snapshot()).txn('job')).toBe(8);
    expect((await table.snapshot()).txn('other')).toBeUndefined();
  });

  it('takes a transaction only over the version that it expects', async () => {
    const table = await createTable(memoryStore(), 't', { schema: NUMBERS });
    const commit = (version: number, expected: number | null) =>
      table.commit({
        operation: 'WRITE',
        add: [file(`f${version}`)],
        txn: { appId: 'job', version, expected },
      });
    expect((await commit(2, 1)).status).toBe('conflict');
    expect((await commit(1, null)).status).toBe('committed');
    expect((await commit(3, 2)).status).toBe('conflict');
    expect((await commit(3, null)).status).toBe('conflict');
    expect((await commit(2, 1)).status).toBe('committed');
  });

  it('refuses what no version of it could take', async () => {
    const table = await createTable(memoryStore(), 't', { schema: DAYS, partitionBy: ['day'] });
    const day = { partitionValues: { day: '2026-01-01' } };
    await table.commit({ operation: 'WRITE', add: [file('a', day)] });
    const refused = (change: object) =>
      expect(table.commit({ operation: 'WRITE', ...change })).rejects.toMatchObject({ kind: 'invalid' });
    await refused({ add: [file('b')] });
    await refused({ add: [file('a', day)] });
    await refused({ add: [file('b', day), file('b', day)] });
    await refused({ add: [file('../b', day)] });
    await refused({ remove: [file('a', day)] });
    await refused({ readVersion: 9, add: [file('b', day)] });
    expect((await table.snapshot()).version).toBe(1);
  });

  it('prunes by partition and by statistics', async () => {
    const table = await createTable(memoryStore(), 't', { schema: DAYS, partitionBy: ['day'] });
    const add = [
      file('a', { partitionValues: { day: '2026-01-01' }, n: [1, 10] }),
      file('b', { partitionValues: { day: '2026-01-02' }, n: [11, 20] }),
      file('c', { partitionValues: { day: null }, n: [21, 30] }),
    ];
    await table.commit({ operation: 'WRITE', add });
    const snapshot = await table.snapshot();
    const paths = (where: Parameters<typeof snapshot.files>[0]) =>
      snapshot.files(where).map(({ path }) => path);
    expect(paths({ column: 'day', op: '=', value: '2026-01-02' })).toEqual(['b']);
    expect(paths({ column: 'day', op: 'is null' })).toEqual(['c']);
    expect(paths({ not: { column: 'day', op: '=', value: '2026-01-02' } })).toEqual(['a']);
    expect(paths({ column: 'n', op: '>', value: 20 })).toEqual(['c']);
    expect(paths({ column: 'N', op: 'in', values: [5, 12n] })).toEqual(['a', 'b']);
    expect(
      paths({
        and: [
          { column: 'n', op: '<', value: 15 },
          { column: 'day', op: '>', value: new Date('2026-01-01') },
        ],
      }),
    ).toEqual(['b']);
    expect(() => paths({ column: 'nope', op: '=', value: 1 })).toThrow(/no column nope/);
  });
});

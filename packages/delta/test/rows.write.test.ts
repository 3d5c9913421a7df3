import { describe, expect, test } from 'vitest';
import {
  createTable,
  memoryStore,
  openTable,
  type Row,
  required,
  type Store,
  struct,
  type Table,
  type TableInit,
} from '../src/index.js';
import { canonicalRows } from './support/rows.js';

const SCHEMA = struct({ id: required('long'), name: 'string', n: 'integer' });

async function table(init: Partial<TableInit> = {}, store: Store = memoryStore()): Promise<Table> {
  return createTable(store, 't', { schema: SCHEMA, ...init });
}

const rows = (...ids: number[]): Row[] => ids.map((id) => ({ id, name: `n${id}`, n: id }));
const ids = async (of: Table): Promise<number[]> =>
  (await of.scan().toArray()).map((row) => Number(row.id)).sort((a, b) => a - b);

describe('rows that do not fit', () => {
  test.each<[string, Row, string]>([
    ['a column that is not there', { id: 1, nmae: 'x' }, 'nmae'],
    ['null where it may not be', { id: null, name: 'x' }, 'NOT NULL'],
    ['nothing where something must be', { name: 'x' }, 'NOT NULL'],
    ['a value of another type', { id: 1, n: 'five' }, 'column n takes an integer'],
    ['half a surrogate pair', { id: 1, name: '\ud83d' }, 'column name takes text'],
  ])('%s: the write is refused, the table untouched', async (_, row, message) => {
    const t = await table();
    await expect(t.append([...rows(1, 2), row])).rejects.toThrow(
      expect.objectContaining({ kind: 'invalid', message: expect.stringContaining(message) }),
    );
    expect((await t.snapshot()).version).toBe(0);
  });

  // From JavaScript, where no compiler looks.
  const loose = (value: unknown): never => value as never;
  test.each<[string, (t: Table) => Promise<unknown>, string]>([
    ['a row outside of an array', (t) => t.append(loose({ id: 1 })), 'Rows are an array'],
    ['text for rows', (t) => t.merge(loose('[]'), { on: ['id'] }), 'Rows are an array'],
    ['null for a row', (t) => t.append([loose(null)]), 'A row is an object'],
    ['no key to merge by', (t) => t.merge(rows(1), loose({})), 'needs a column'],
    ['no condition for what to delete', (t) => t.delete(loose({})), 'Not a condition: undefined'],
    ['a misspelt op', (t) => t.delete({ where: loose({ column: 'n', op: 'isnull' }) }), 'Not a condition'],
    ['a missing value', (t) => t.delete({ where: loose({ column: 'n', op: '=' }) }), 'Not a condition'],
    [
      'one of several conditions that is none',
      (t) => t.update({ where: { and: [loose({ n: 1 })] }, set: { n: 2 } }),
      'Not a condition',
    ],
  ])('%s: the write is refused, the table named and untouched', async (_, write, message) => {
    const t = await table();
    await t.append(rows(1, 2));
    await expect(write(t)).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining(message),
      where: { table: 't' },
    });
    expect((await t.snapshot()).version).toBe(1);
  });

  test('a generator that fails leaves the table untouched', async () => {
    const t = await table();
    async function* broken(): AsyncGenerator<Row> {
      yield* rows(1, 2);
      throw new Error('the source broke');
    }
    await expect(t.append(broken())).rejects.toThrow('the source broke');
    expect((await t.snapshot()).version).toBe(0);
  });
});

describe('constraints', () => {
  const init = {
    properties: { 'delta.constraints.positive': 'n > 0', 'delta.constraints.named': 'name IS NOT NULL' },
  };

  test('hold for every row that is appended, updated, merged or put in the place of others', async () => {
    const t = await table(init);
    await t.append(rows(1, 2));
    const bad = { id: 3, name: 'x', n: 0 };
    const refused = expect.objectContaining({
      kind: 'invalid',
      message: 'A row breaks the constraint positive: n > 0',
    });
    await expect(t.append([bad])).rejects.toThrow(refused);
    await expect(t.overwrite([bad])).rejects.toThrow(refused);
    await expect(t.update({ set: { n: (row) => (row.n as number) - 1 } })).rejects.toThrow(refused);
    await expect(t.merge([bad], { on: ['id'] })).rejects.toThrow(refused);
    // Null is not true.
    await expect(t.append([{ id: 3, name: 'x', n: null }])).rejects.toThrow(refused);
    expect(await ids(t)).toEqual([1, 2]);
  });

  test('that cannot be evaluated refuse the write, not the reading', async () => {
    const t = await table({ properties: { 'delta.constraints.odd': 'regexp_like(name, "x")' } });
    await expect(t.append(rows(1))).rejects.toThrow(expect.objectContaining({ kind: 'unsupported' }));
    expect(await ids(t)).toEqual([]);
  });

  test('of columns (invariants) hold too, and defaults fill in', async () => {
    const schema = struct({
      x: { type: 'integer', metadata: { 'delta.invariants': '{"expression":{"expression":"x > 3"}}' } },
      y: { type: 'string', metadata: { CURRENT_DEFAULT: "'none'" } },
    });
    const t = await table({ schema });
    await expect(t.append([{ x: 3, y: 'a' }])).rejects.toThrow(
      'A row breaks the constraint the invariant of x: x > 3',
    );
    await t.append([{ x: 4 }, { x: 5, y: null }]);
    expect(canonicalRows(await t.scan().toArray())).toEqual(
      canonicalRows([
        { x: 4, y: 'none' },
        { x: 5, y: null },
      ]),
    );
  });
});

describe('a position (txn)', () => {
  test('lets a write land once', async () => {
    const t = await table();
    const txn = { appId: 'app', version: 5 };
    expect((await t.append(rows(1), { txn })).status).toBe('committed');
    expect((await t.append(rows(1), { txn })).status).toBe('already-committed');
    expect((await t.merge(rows(1, 2), { on: ['id'], txn })).status).toBe('already-committed');
    expect(await ids(t)).toEqual([1]);
  });

  test('moves on even where there are no rows', async () => {
    const t = await table();
    expect((await t.append([])).status).toBe('nothing-to-do');
    expect((await t.append([], { txn: { appId: 'app', version: 1 } })).status).toBe('committed');
    expect((await t.snapshot()).txn('app')).toBe(1);
  });
});

describe('merge', () => {
  test('refuses two source rows of one key, and keys that do not identify', async () => {
    const t = await table();
    await expect(t.merge(rows(1, 1), { on: ['id'] })).rejects.toThrow('Two source rows have the same key: 1');
    await expect(t.merge(rows(1), { on: [] })).rejects.toThrow('needs a column');
    await expect(t.merge(rows(1), { on: ['nope'] })).rejects.toThrow('no column nope');
  });

  test('leaves columns alone that the source row does not have', async () => {
    const t = await table();
    await t.append(rows(1, 2));
    const result = await t.merge([{ id: 2, n: 20 }], { on: ['id'] });
    expect(result).toMatchObject({ rowsUpdated: 1, rowsInserted: 0, rowsDeleted: 0 });
    expect(canonicalRows(await t.scan().toArray())).toEqual(
      canonicalRows([
        { id: 1n, name: 'n1', n: 1 },
        { id: 2n, name: 'n2', n: 20 },
      ]),
    );
  });

  test('decides row by row where it is given functions', async () => {
    const t = await table();
    await t.append(rows(1, 2, 3, 4));
    await t.merge([...rows(1, 2, 3), { id: 9, n: 90 }, { id: 10, n: 100 }], {
      on: ['id'],
      whenMatched: (target, source) =>
        target.id === 1n ? null : target.id === 2n ? undefined : { ...target, n: (source.n as number) * 100 },
      whenNotMatched: (source) => (source.id === 10 ? undefined : source),
      whenNotMatchedBySource: (target) => ({ ...target, name: 'gone' }),
    });
    expect(canonicalRows(await t.scan().toArray())).toEqual(
      canonicalRows([
        { id: 2n, name: 'n2', n: 2 },
        { id: 3n, name: 'n3', n: 300 },
        { id: 4n, name: 'gone', n: 4 },
        { id: 9n, name: null, n: 90 },
      ]),
    );
  });

  test('null is no key: such rows are added and match nothing', async () => {
    const t = await table();
    await t.append([{ id: 1, name: null }]);
    await t.merge([{ id: 2, name: null }], { on: ['name'] });
    expect(await ids(t)).toEqual([1, 2]);
  });

  test('opens only the files that can hold a key', async () => {
    const store = memoryStore();
    const t = await table({}, store);
    for (const from of [0, 100, 200]) await t.append(rows(from, from + 99));
    const opened: string[] = [];
    const watched: Store = {
      ...store,
      get(path, range) {
        opened.push(path);
        return store.get(path, range);
      },
    };
    await (await openTable(watched, 't')).merge(rows(100), { on: ['id'] });
    expect(new Set(opened.filter((path) => path.endsWith('.parquet'))).size).toBe(1);
  });
});

describe('writers at the same time', () => {
  test('updates of one file are both applied: the slower one is computed anew', async () => {
    const store = memoryStore();
    const a = await table({}, store);
    await a.append(rows(1, 2, 3));
    const b = await openTable(store, 't');
    await Promise.all([
      a.update({ where: { column: 'id', op: '=', value: 1 }, set: { n: (row) => (row.n as number) + 10 } }),
      b.update({ where: { column: 'id', op: '<=', value: 2 }, set: { n: (row) => (row.n as number) + 100 } }),
      b.merge([{ id: 4, n: 4 }], { on: ['id'] }),
      a.delete({ where: { column: 'id', op: '=', value: 3 } }),
    ]);
    const found = (await a.scan({ columns: ['id', 'n'] }).toArray()).sort(
      (x, y) => Number(x.id) - Number(y.id),
    );
    expect(found).toEqual([
      { id: 1n, n: 111 },
      { id: 2n, n: 102 },
      { id: 4n, n: 4 },
    ]);
  });

  test('merges of the same new keys add them once', async () => {
    const store = memoryStore();
    const tables = [await table({}, store), await openTable(store, 't'), await openTable(store, 't')];
    await Promise.all(tables.map((t) => t.merge(rows(1, 2, 3), { on: ['id'] })));
    expect(await ids(tables[0]!)).toEqual([1, 2, 3]);
  });

  test('rows written for a schema that has changed meanwhile are refused', async () => {
    const store = memoryStore();
    const t = await table({}, store);
    const other = await openTable(store, 't');
    async function* slow(): AsyncGenerator<Row> {
      yield* rows(1);
      await other.addColumn({ name: 'more', type: 'string', nullable: true, metadata: {} });
    }
    await expect(t.append(slow())).rejects.toThrow(expect.objectContaining({ kind: 'contention' }));
    await t.append(rows(1));
    expect(await t.scan().toArray()).toEqual([{ id: 1n, name: 'n1', n: 1, more: null }]);
  });
});

describe('what the table does not allow', () => {
  test('an append-only table takes no delete', async () => {
    const t = await table({ properties: { 'delta.appendOnly': 'true' } });
    await t.append(rows(1));
    await expect(t.delete({ where: { column: 'id', op: '=', value: 1 } })).rejects.toThrow('append-only');
    expect(await ids(t)).toEqual([1]);
  });

  test('rows outside of what is replaced', async () => {
    const t = await table();
    await t.append(rows(1, 2));
    const where = { column: 'id', op: '>', value: 1 } as const;
    await expect(t.overwrite(rows(1), { where })).rejects.toThrow('outside of what is replaced');
    await t.overwrite(rows(5, 6), { where });
    expect(await ids(t)).toEqual([1, 5, 6]);
  });
});

describe('large writes', () => {
  test('are cut into files, and a batch is no more than it says', async () => {
    const t = await table({ partitionBy: ['n'] });
    const many = function* (): Generator<Row> {
      for (let id = 0; id < 20_000; id++) yield { id, name: 'x'.repeat(10), n: id % 3 };
    };
    expect(await t.append(many())).toMatchObject({ rowsInserted: 20_000 });
    expect((await t.snapshot()).fileCount).toBe(3);
    let rowCount = 0;
    for await (const batch of t.scan().batches()) {
      expect(batch.length).toBeLessThanOrEqual(8192);
      rowCount += batch.length;
    }
    expect(rowCount).toBe(20_000);
    await expect(t.scan().toArray({ limit: 100 })).rejects.toThrow('more than 100 rows');
    expect(await t.scan({ where: { column: 'n', op: '=', value: 1 } }).count()).toBe(6667);
  });
});

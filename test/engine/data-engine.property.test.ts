import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  array,
  createTable,
  localStore,
  map,
  memoryStore,
  openTable,
  type Predicate,
  type Row,
  struct,
  type Table,
} from '@eventlake/delta';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type DuckDbDataEngine,
  openDuckDbDataEngine,
} from '../../packages/eventlake/src/engine/duckdb/data-engine.js';
import { quoteText } from '../../packages/eventlake/src/engine/duckdb/sql-text.js';

let root: string;
let engine: DuckDbDataEngine;
let tables = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'eventlake-data-engine-'));
  engine = await openDuckDbDataEngine({ store: localStore(root), memoryMb: 512, tempDir: root });
});
afterAll(async () => {
  await engine.close();
  await rm(root, { recursive: true, force: true });
});

const SCHEMA = struct({ id: 'long', part: 'string', n: 'integer', text: 'string' });
const row = fc.record({
  id: fc.option(fc.bigInt(0n, 20n)),
  part: fc.constantFrom('a', "ü/='%", null),
  n: fc.option(fc.integer({ min: 0, max: 20 })),
  text: fc.option(fc.string({ unit: 'grapheme', maxLength: 40 })),
});
const keyed = fc.uniqueArray(row, { maxLength: 10, selector: ({ id }) => id ?? Symbol() });
const step = fc.oneof(
  fc.record({ kind: fc.constant('append' as const), rows: fc.array(row, { maxLength: 10 }) }),
  fc.record({ kind: fc.constant('overwrite' as const), rows: fc.array(row, { maxLength: 10 }) }),
  fc.record({
    kind: fc.constant('merge' as const),
    rows: keyed,
    whenMatched: fc.constantFrom('update' as const, 'delete' as const, 'ignore' as const),
    whenNotMatched: fc.constantFrom('insert' as const, 'ignore' as const),
    columns: fc.constantFrom(['id', 'part', 'n', 'text'], ['id', 'text'], ['id']),
  }),
  fc.record({ kind: fc.constant('delete' as const), n: fc.nat(20) }),
  fc.record({ kind: fc.constant('optimize' as const) }),
);

/** The same rows for DuckDB. */
function query(
  rows: readonly Row[],
  columns: readonly string[] = ['id', 'part', 'n', 'text'],
): { sql: string } {
  const types: Record<string, string> = { id: 'BIGINT', part: 'VARCHAR', n: 'INTEGER', text: 'VARCHAR' };
  const literal = (value: unknown): string =>
    value === null ? 'NULL' : typeof value === 'string' ? quoteText(value) : String(value);
  const lines = rows.map((r) =>
    columns.map((name) => `${literal(r[name])}::${types[name]} AS ${name}`).join(', '),
  );
  if (lines.length > 0) return { sql: lines.map((line) => `SELECT ${line}`).join(' UNION ALL ') };
  return { sql: `SELECT ${columns.map((name) => `NULL::${types[name]} AS ${name}`).join(', ')} WHERE FALSE` };
}

function sorted(rows: readonly Row[]): string[] {
  return rows.map((r) => JSON.stringify(r, (_, v) => (typeof v === 'bigint' ? `${v}n` : v))).sort();
}

async function apply(
  table: Table,
  one: typeof step extends fc.Arbitrary<infer S> ? S : never,
  byQuery: boolean,
) {
  switch (one.kind) {
    case 'append':
      return table.append(byQuery ? query(one.rows) : one.rows);
    case 'overwrite':
      return table.overwrite(byQuery ? query(one.rows) : one.rows);
    case 'merge': {
      const { whenMatched, whenNotMatched, columns } = one;
      const rows = one.rows.map((r) =>
        Object.fromEntries(columns.map((name) => [name, r[name as keyof typeof r]])),
      );
      return table.merge(byQuery ? query(rows, columns) : rows, { on: ['id'], whenMatched, whenNotMatched });
    }
    case 'delete':
      return table.delete({ where: { column: 'n', op: '=', value: one.n } });
    case 'optimize':
      await table.optimize();
      return { rowsInserted: 0, rowsUpdated: 0, rowsDeleted: 0 };
  }
}

describe.each<[string, { partitionBy?: string[]; properties?: Record<string, string> }]>([
  ['plain', {}],
  ['partitioned', { partitionBy: ['part'] }],
  ['with deletion vectors', { properties: { 'delta.enableDeletionVectors': 'true' } }],
  [
    'partitioned with deletion vectors',
    { partitionBy: ['part'], properties: { 'delta.enableDeletionVectors': 'true' } },
  ],
])('a table %s', (_, init) => {
  test('holds the same through DuckDB as through our own Parquet code, and so says either reader', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 6 }), async (steps) => {
        const path = `t${tables++}`;
        await createTable(localStore(root), path, { schema: SCHEMA, ...init });
        const table = await openTable(localStore(root), path, { engine });
        const own = await openTable(localStore(root), path);
        const twin = await createTable(memoryStore(), 't', { schema: SCHEMA, ...init });
        for (const one of steps) {
          const { rowsInserted, rowsUpdated, rowsDeleted } = await apply(table, one, true);
          expect(await apply(twin, one, false)).toMatchObject({ rowsInserted, rowsUpdated, rowsDeleted });
          const expected = sorted(await twin.scan().toArray());
          expect(sorted(await table.scan().toArray())).toEqual(expected);
          expect(sorted(await own.scan().toArray())).toEqual(expected);
          expect((await own.snapshot()).recordCount).toBe(expected.length);
        }
        const where: Predicate = {
          or: [
            { column: 'n', op: '<', value: 5 },
            { column: 'text', op: 'is null' },
          ],
        };
        const columns = ['n', 'id'];
        expect(sorted(await table.scan({ where, columns }).toArray())).toEqual(
          sorted(await own.scan({ where, columns }).toArray()),
        );
      }),
      { numRuns: 12 },
    );
  });
});

test('values of every type are the same through either reader', async () => {
  const schema = struct({
    ...{
      l: 'long',
      i: 'integer',
      s: 'short',
      b: 'byte',
      f: 'float',
      d: 'double',
      bool: 'boolean',
      text: 'string',
    },
    ...{ dec: 'decimal(20,4)', day: 'date', at: 'timestamp', ntz: 'timestamp_ntz', bytes: 'binary' },
    list: array('long'),
    dict: map('string', 'decimal(5,2)'),
    pair: struct({ x: 'timestamp', y: array('string') }),
  });
  const table = await createTable(localStore(root), 'types', { schema }, { engine });
  await table.append([
    {
      ...{ l: 2n ** 62n, i: -1, s: -2, b: -3, f: 1.5, d: -0.1, bool: true, text: 'ü' },
      ...{ dec: '-1234567890123456.7890', day: '1969-12-31', at: '1969-12-31T23:59:59.999999Z' },
      ...{ ntz: '2024-05-31T12:00:00.000001', bytes: Uint8Array.of(0, 255), list: [1, null] },
      dict: { a: '1.50', b: null },
      pair: { x: '2024-05-31T12:00:00Z', y: ['a', null] },
    },
    {},
  ]);
  const own = await openTable(localStore(root), 'types');
  expect(await table.scan().toArray()).toEqual(await own.scan().toArray());
  expect(await table.scan().toArray()).toHaveLength(2);
});

test('what no engine was given for, or what it cannot check, is refused', async () => {
  const own = await createTable(localStore(root), 'refused', {
    schema: SCHEMA,
    properties: { 'delta.constraints.small': 'n < 10' },
  });
  const source = query([{ id: 1, part: 'a', n: 5, text: 'x' }]);
  await expect(own.append(source)).rejects.toThrow('A query needs an engine that runs it');
  const table = await openTable(localStore(root), 'refused', { engine });
  await expect(table.append(source)).rejects.toThrow(/constraint/);
  const plain = await createTable(localStore(root), 'twice', { schema: SCHEMA }, { engine });
  const twice = { sql: `${source.sql} UNION ALL ${source.sql}` };
  await expect(plain.merge(twice, { on: ['id'] })).rejects.toThrow('Two source rows have the same key');
  expect((await plain.snapshot()).version).toBe(0);
});

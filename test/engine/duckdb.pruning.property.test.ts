import { openTable, type Predicate } from '@eventlake/delta';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EngineOnDisk, openEngine } from './duckdb.js';

interface Row {
  id: number;
  s: string | null;
  i: number | null;
  l: bigint | null;
  d: number | null;
  b: boolean | null;
  day: string | null;
  t: string | null;
}

const columns = [
  { name: 'id', type: 'integer' },
  { name: 's', type: 'string' },
  { name: 'i', type: 'integer' },
  { name: 'l', type: 'long' },
  { name: 'd', type: 'double' },
  { name: 'b', type: 'boolean' },
  { name: 'day', type: 'date' },
  { name: 't', type: 'timestamp' },
] as const;

const iso = (us: number) => {
  const ms = Math.floor(us / 1000);
  return `${new Date(ms).toISOString().slice(0, -1)}${String(us - ms * 1000).padStart(3, '0')}Z`;
};
/** Long, so that statistics are cut off, and often equal up to there. */
const texts = fc.oneof(
  fc.constantFrom('', 'a', 'b', 'ab', 'é', '\u{10ffff}', "it's", 'x\u0000y'),
  fc
    .tuple(
      fc.constantFrom('a', 'é', '\u{1f600}', '\u{10ffff}'),
      fc.constantFrom(31, 32, 33, 36),
      fc.string({ maxLength: 2 }),
    )
    .map(([unit, count, end]) => unit.repeat(count) + end),
);
const doubles = fc.oneof(
  fc.constantFrom(0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-300),
  fc.double(),
);
const days = fc
  .integer({ min: -40_000, max: 40_000 })
  .map((day) => new Date(day * 86_400_000).toISOString().slice(0, 10));
const times = fc
  .tuple(fc.integer({ min: -3, max: 3 }), fc.constantFrom(0, 1, 499, 999))
  .map(([ms, us]) => iso(1_700_000_000_000_000 + ms * 1000 + us));
const nullable = <T>(values: fc.Arbitrary<T>) => fc.option(values, { freq: 6 });
const row = fc.record<Omit<Row, 'id'>>({
  s: nullable(texts),
  i: nullable(fc.oneof(fc.integer({ min: -5, max: 5 }), fc.integer())),
  l: nullable(fc.oneof(fc.bigInt(-5n, 5n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n))),
  d: nullable(doubles),
  b: nullable(fc.boolean()),
  day: nullable(days),
  t: nullable(times),
});

const ops = fc.constantFrom('=', '!=', '<', '<=', '>', '>=') as fc.Arbitrary<'='>;
const compare = (
  column: string,
  values: fc.Arbitrary<string | number | bigint | boolean>,
): fc.Arbitrary<Predicate> =>
  fc.oneof(
    fc.record({ column: fc.constant(column), op: ops, value: values }),
    fc.record({
      column: fc.constant(column),
      op: fc.constant('in' as const),
      values: fc.array(values, { maxLength: 3 }),
    }),
    fc.record({
      column: fc.constant(column),
      op: fc.constantFrom('is null' as const, 'is not null' as const),
    }),
  );
const { predicate } = fc.letrec<{ predicate: Predicate }>((tie) => ({
  predicate: fc.oneof(
    { depthSize: 'small' },
    compare('s', texts),
    compare('i', fc.integer({ min: -5, max: 5 })),
    compare('l', fc.bigInt(-5n, 5n)),
    compare('d', fc.constantFrom(0, 1.5, -1, 1e300)),
    compare('day', days),
    compare('t', times),
    fc.record({ and: fc.array(tie('predicate'), { maxLength: 3 }) }),
    fc.record({ or: fc.array(tie('predicate'), { maxLength: 3 }) }),
    fc.record({ not: tie('predicate') }),
  ),
}));

let disk: EngineOnDisk;
let tables = 0;
beforeAll(async () => {
  disk = await openEngine();
});
afterAll(() => disk.close());

test('whatever the rows and the condition: exactly the rows that meet it, as this reader and another see them', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(row, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
      fc.array(predicate, { minLength: 1, maxLength: 6 }),
      async (files, predicates) => {
        const name = `pruned.t${++tables}`;
        await disk.engine.createTable({ name, columns });
        const session = await disk.engine.open();
        try {
          let id = 0;
          for (const [n, rows] of files.entries()) {
            const sql = rows.map((row) => rowSql({ id: id++, ...row })).join(' UNION ALL ');
            await session.commit(
              await session.prepare(name, sql),
              { appId: 'test', version: n + 1 },
              'append',
            );
          }
          await session.readTable('everything', name);
          const other = await openTable(disk.store, name.replace('.', '/'));
          for (const where of predicates) {
            await session.readTable('pruned', name, { where });
            const pruned = await session.query<{ id: number }>('SELECT id FROM pruned ORDER BY id');
            const all = await session.query<{ id: number }>(
              `SELECT id FROM everything WHERE ${oracleSql(where)} ORDER BY id`,
            );
            expect(pruned).toEqual(all);
            const scanned: unknown[] = [];
            for await (const { id } of other.scan({ where, columns: ['id'] })) scanned.push({ id });
            expect(scanned).toEqual(all);
          }
        } finally {
          await session.close();
        }
      },
    ),
    { numRuns: 60 },
  );
}, 300_000);

function rowSql(row: Row): string {
  const text = (value: string | null, type: string) =>
    value === null ? `CAST(NULL AS ${type})` : `CAST(${literal(value)} AS ${type})`;
  const { id, s, i, l, d, b, day, t } = row;
  return `SELECT ${id} AS id, ${text(s, 'VARCHAR')} AS s, ${text(i === null ? null : String(i), 'INTEGER')} AS i,
    ${text(l === null ? null : String(l), 'BIGINT')} AS l, ${text(d === null ? null : double(d), 'DOUBLE')} AS d,
    ${text(b === null ? null : String(b), 'BOOLEAN')} AS b, ${text(day, 'DATE')} AS day,
    ${text(t, 'TIMESTAMP WITH TIME ZONE')} AS t`;
}

function double(value: number): string {
  return Object.is(value, -0) ? '-0.0' : String(value);
}

/** A NUL ends a statement's text for DuckDB. */
function literal(value: string): string {
  return value
    .split('\u0000')
    .map((part) => `'${part.replaceAll("'", "''")}'`)
    .join(' || chr(0) || ');
}

/** The condition again, by another way than the engine's. */
function oracleSql(where: Predicate): string {
  if ('and' in where)
    return where.and
      .map((part) => `(${oracleSql(part)})`)
      .concat('TRUE')
      .join(' AND ');
  if ('or' in where)
    return where.or
      .map((part) => `(${oracleSql(part)})`)
      .concat('FALSE')
      .join(' OR ');
  if ('not' in where) return `NOT (${oracleSql(where.not)})`;
  if (!('value' in where) && !('values' in where)) return `${where.column} ${where.op}`;
  const value = (value: unknown) => (typeof value === 'string' ? `(${literal(value)})` : String(value));
  if ('values' in where) {
    return where.values
      .map((one) => `${where.column} = ${value(one)}`)
      .concat('FALSE')
      .join(' OR ');
  }
  return `${where.column} ${where.op} ${value(where.value)}`;
}

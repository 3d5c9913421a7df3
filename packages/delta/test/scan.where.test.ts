import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  localStore,
  openTable,
  type Predicate,
  type Row,
  type StructField,
  type Table,
} from '../src/index.js';
import { hasGolden, unpackGolden } from './support/golden.js';
import { canonicalRows } from './support/rows.js';

/** What SQL says, on the values that `scan` gives: true, false or null. */
function evaluate(
  where: Predicate,
  row: Row,
  compare: (column: string, a: unknown, b: unknown) => number,
): boolean | null {
  if ('and' in where)
    return threeValued(
      where.and.map((term) => evaluate(term, row, compare)),
      false,
    );
  if ('or' in where)
    return threeValued(
      where.or.map((term) => evaluate(term, row, compare)),
      true,
    );
  if ('not' in where) {
    const inner = evaluate(where.not, row, compare);
    return inner === null ? null : !inner;
  }
  const value = row[where.column];
  if (where.op === 'is null') return value === null;
  if (where.op === 'is not null') return value !== null;
  if (where.op === 'in') {
    return threeValued(
      where.values.map((one) => evaluate({ column: where.column, op: '=', value: one }, row, compare)),
      true,
    );
  }
  if (!('value' in where) || value === null || where.value === null) return null;
  const order = compare(where.column, value, where.value);
  return {
    '=': order === 0,
    '!=': order !== 0,
    '<': order < 0,
    '<=': order <= 0,
    '>': order > 0,
    '>=': order >= 0,
  }[where.op];
}

function threeValued(terms: (boolean | null)[], decisive: boolean): boolean | null {
  if (terms.includes(decisive)) return decisive;
  return terms.includes(null) ? null : !decisive;
}

const COMPARABLE =
  /^(string|long|integer|short|byte|float|double|date|timestamp|timestamp_ntz|decimal\(.*\)|boolean)$/;

function arbitrary(fields: readonly StructField[], rows: readonly Row[]): fc.Arbitrary<Predicate> {
  const leaf = fc
    .constantFrom(...fields.filter(({ type }) => COMPARABLE.test(String(type))))
    .chain(({ name }) => {
      const value = fc.constantFrom(...rows.map((row) => row[name] as string | null));
      return fc.oneof(
        fc.record({
          column: fc.constant(name),
          op: fc.constantFrom(
            '=' as const,
            '!=' as const,
            '<' as const,
            '<=' as const,
            '>' as const,
            '>=' as const,
          ),
          value,
        }),
        fc.record({
          column: fc.constant(name),
          op: fc.constant('in' as const),
          values: fc.array(value, { maxLength: 3 }),
        }),
        fc.record({
          column: fc.constant(name),
          op: fc.constantFrom('is null' as const, 'is not null' as const),
        }),
      );
    });
  return fc.letrec<{ any: Predicate }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      leaf,
      fc.record({ and: fc.array(tie('any'), { maxLength: 3 }) }),
      fc.record({ or: fc.array(tie('any'), { maxLength: 3 }) }),
      fc.record({ not: tie('any') }),
    ),
  })).any;
}

/** Orders the values that scan gives, knowing nothing of how they are stored. */
function comparison(fields: readonly StructField[]): (column: string, a: unknown, b: unknown) => number {
  const types = new Map(fields.map(({ name, type }) => [name, String(type)]));
  return (column, a, b) => {
    const type = types.get(column) as string;
    if (type.startsWith('decimal')) return Number(a) - Number(b);
    if (type === 'string' || type.startsWith('timestamp') || type === 'date')
      return Buffer.compare(Buffer.from(a as string), Buffer.from(b as string));
    return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
  };
}

describe.skipIf(!hasGolden)('a scan with a predicate (golden tables, skipped where they are not)', () => {
  test.each([
    'data-skipping-basic-stats-all-types',
    'data-skipping-basic-stats-all-types-columnmapping-id',
    'data-skipping-partition-and-data-column',
    'data-reader-partition-values',
    'data-reader-timestamp_ntz',
    'data-reader-timestamp_ntz-id-mode',
    'dv-partitioned-with-checkpoint',
    'kernel-timestamp-pst',
    'parquet-all-types',
    'basic-decimal-table',
    'snapshot-repartitioned',
    'table-with-columnmapping-mode-id',
  ])('of %s gives the rows for which it is true, whatever files it does not open', async (name) => {
    const { folder, remove } = await unpackGolden(name);
    onTestFinished(remove);
    const table: Table = await openTable(localStore(folder), `${name}/delta`);
    const rows = await table.scan().toArray();
    const { fields } = (await table.snapshot()).schema;
    const compare = comparison(fields);
    await fc.assert(
      fc.asyncProperty(arbitrary(fields, rows), async (where) => {
        const expected = rows.filter((row) => evaluate(where, row, compare) === true);
        expect(canonicalRows(await table.scan({ where }).toArray())).toEqual(canonicalRows(expected));
        expect(await table.scan({ where }).count()).toBe(expected.length);
      }),
      { numRuns: 40 },
    );
  });
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { AddFile, Literal, Predicate, StructType } from '../src/index.js';
import { matcher } from '../src/prune/prune.js';

type Value = number | string | null;
interface Row {
  n: number | null;
  s: string | null;
  p: number | null;
}

const SCHEMA: StructType = {
  type: 'struct',
  fields: (['n', 's', 'p'] as const).map((name) => ({
    name,
    type: name === 's' ? 'string' : 'long',
    nullable: true,
    metadata: {},
  })),
};

const small = fc.option(fc.integer({ min: -3, max: 3 }), { nil: null });
const word = fc.option(fc.constantFrom('a', 'ab', 'b', `${'x'.repeat(40)}1`, `${'x'.repeat(40)}2`), {
  nil: null,
});
const comparison = fc.constantFrom('=', '!=', '<', '<=', '>', '>=');
const numbers = fc.record({
  column: fc.constantFrom('n', 'p'),
  op: comparison,
  value: small as fc.Arbitrary<Literal>,
});
const words = fc.record({ column: fc.constant('s'), op: comparison, value: word as fc.Arbitrary<Literal> });
const lists = fc.record({
  column: fc.constantFrom('n', 'p'),
  op: fc.constant('in' as const),
  values: fc.array(small as fc.Arbitrary<Literal>, { maxLength: 3 }),
});
const nulls = fc.record({
  column: fc.constantFrom('n', 's', 'p'),
  op: fc.constantFrom('is null', 'is not null'),
});
const leaf = fc.oneof(numbers, words, lists, nulls) as fc.Arbitrary<Predicate>;
const predicate: fc.Arbitrary<Predicate> = fc.letrec<{ tree: Predicate }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.array(tie('tree'), { maxLength: 3 }).map((and) => ({ and })),
    fc.array(tie('tree'), { maxLength: 3 }).map((or) => ({ or })),
    tie('tree').map((not) => ({ not })),
  ),
})).tree;

/** SQL's logic, row by row: true, false, or null. */
function holds(where: Predicate, row: Row): boolean | null {
  if ('and' in where) {
    const terms = where.and.map((term) => holds(term, row));
    return terms.includes(false) ? false : terms.includes(null) ? null : true;
  }
  if ('or' in where) {
    const terms = where.or.map((term) => holds(term, row));
    return terms.includes(true) ? true : terms.includes(null) ? null : false;
  }
  if ('not' in where) {
    const inner = holds(where.not, row);
    return inner === null ? null : !inner;
  }
  const value = row[where.column as keyof Row] as Value;
  if (where.op === 'is null') return value === null;
  if (where.op === 'is not null') return value !== null;
  if ('values' in where) {
    return holds({ or: where.values.map((item) => ({ column: where.column, op: '=', value: item })) }, row);
  }
  if (!('value' in where) || value === null || where.value === null) return null;
  const literal = where.value as number | string;
  const order = value < literal ? -1 : value > literal ? 1 : 0;
  return {
    '=': order === 0,
    '!=': order !== 0,
    '<': order < 0,
    '<=': order <= 0,
    '>': order > 0,
    '>=': order >= 0,
  }[where.op];
}

/** Statistics as Spark writes them: text cut off at 32 characters, the maximum's end made greater. */
function fileOf(rows: Row[], p: number | null, withStats: boolean): AddFile {
  const base = {
    path: 'f',
    partitionValues: { p: p === null ? null : String(p) },
    size: 1,
    modificationTime: 0,
    dataChange: true,
  };
  if (!withStats) return base;
  const values = <T extends Value>(column: 'n' | 's') =>
    rows.map((row) => row[column]).filter((v) => v !== null) as T[];
  const ns = values<number>('n').sort((a, b) => a - b);
  const ss = values<string>('s').sort();
  const cut = (text: string, end: string) => (text.length > 32 ? `${text.slice(0, 32)}${end}` : text);
  const stats = {
    numRecords: rows.length,
    minValues: { ...(ns.length > 0 && { n: ns[0] }), ...(ss.length > 0 && { s: cut(ss[0]!, '') }) },
    maxValues: {
      ...(ns.length > 0 && { n: ns.at(-1) }),
      ...(ss.length > 0 && { s: cut(ss.at(-1)!, '\u{10ffff}') }),
    },
    nullCount: { n: rows.length - ns.length, s: rows.length - ss.length },
  };
  return { ...base, stats: JSON.stringify(stats) };
}

it('never leaves out a file that holds a matching row, nor calls one whole that holds another', () => {
  const rows = fc.array(fc.record({ n: small, s: word }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(predicate, rows, small, fc.boolean(), (where, data, p, withStats) => {
      const all = data.map((row) => ({ ...row, p }));
      const match = matcher(where, SCHEMA, ['p']);
      const file = fileOf(all, p, withStats);
      const outcomes = all.map((row) => holds(where, row));
      if (outcomes.includes(true)) expect(match.some(file)).toBe(true);
      if (match.all(file)) expect(outcomes.every((outcome) => outcome === true)).toBe(true);
      if (!match.some(file)) expect(match.all(file)).toBe(false);
    }),
    { numRuns: 3000 },
  );
});

it('leaves out what one comparison rules out', () => {
  const file = fileOf(
    [
      { n: 1, s: 'b', p: 1 },
      { n: 3, s: 'c', p: 1 },
    ],
    1,
    true,
  );
  const some = (where: Predicate) => matcher(where, SCHEMA, ['p']).some(file);
  expect(some({ column: 'n', op: '>', value: 3 })).toBe(false);
  expect(some({ column: 'n', op: '=', value: 0n })).toBe(false);
  expect(some({ column: 's', op: '<', value: 'b' })).toBe(false);
  expect(some({ column: 'p', op: '!=', value: 1 })).toBe(false);
  expect(some({ column: 'n', op: 'is null' })).toBe(false);
  expect(some({ column: 'n', op: '=', value: null })).toBe(false);
});

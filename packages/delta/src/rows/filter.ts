import type { Literal, Predicate } from '../contract.js';
import type { Vector } from '../parquet/assemble.js';
import { checkPredicate } from '../prune/predicate.js';
import { findColumn } from '../prune/prune.js';
import type { DataType, StructField, StructType } from '../schema.js';
import { type CompareTo, compareTo } from './comparable.js';

/** A predicate made ready for batches of rows: it keeps the rows for which it is true, as SQL's WHERE does. */
export interface RowFilter {
  /** The table's columns that it looks at. */
  readonly columns: readonly StructField[];
  /** One byte for each row, 1 where it is kept. `columns` are those that the filter names, in its order. */
  keep(columns: readonly Vector[], rowCount: number): Uint8Array;
}

/** @throws DeltaError of kind `invalid` where it is none, names a column that is not there, or compares what cannot be. */
export function rowFilter(where: Predicate, schema: StructType): RowFilter {
  checkPredicate(where);
  const columns: StructField[] = [];
  const evaluate = compile(where, schema, columns);
  return {
    columns,
    keep(vectors, rowCount) {
      const outcomes = evaluate(vectors, rowCount);
      for (let i = 0; i < rowCount; i++) outcomes[i] = outcomes[i] === TRUE ? 1 : 0;
      return outcomes;
    },
  };
}

/** Ordered so that AND is the least and OR the greatest of two: SQL's three-valued logic. */
const FALSE = 0;
const NULL = 1;
const TRUE = 2;

type Evaluate = (vectors: readonly Vector[], rowCount: number) => Uint8Array;

function compile(where: Predicate, schema: StructType, columns: StructField[]): Evaluate {
  if ('and' in where) return combine(where.and, TRUE, Math.min, schema, columns);
  if ('or' in where) return combine(where.or, FALSE, Math.max, schema, columns);
  if ('not' in where) {
    const inner = compile(where.not, schema, columns);
    return (vectors, rowCount) => inner(vectors, rowCount).map((outcome) => TRUE - outcome);
  }
  const path = findColumn(schema, where.column);
  const [top, ...below] = path as [StructField, ...StructField[]];
  let index = columns.indexOf(top);
  if (index < 0) index = columns.push(top) - 1;
  const { type } = path.at(-1) as StructField;
  const test = testOf(where, type);
  const names = below.map((field) => field.name);
  return (vectors, rowCount) => evaluateColumn(vectors[index] as Vector, names, test, rowCount);
}

function combine(
  terms: readonly Predicate[],
  start: number,
  by: (a: number, b: number) => number,
  schema: StructType,
  columns: StructField[],
): Evaluate {
  const compiled = terms.map((term) => compile(term, schema, columns));
  return (vectors, rowCount) => {
    const outcomes = new Uint8Array(rowCount).fill(start);
    for (const term of compiled) {
      const own = term(vectors, rowCount);
      for (let i = 0; i < rowCount; i++) outcomes[i] = by(outcomes[i] as number, own[i] as number);
    }
    return outcomes;
  };
}

interface Test {
  ofNull: number;
  ofValue(value: unknown): number;
}

type Comparison = Extract<Predicate, { column: string }>;

function testOf(where: Comparison, type: DataType): Test {
  const prepare = (literal: Exclude<Literal, null>) => compareTo(literal, type, where.column);
  if (where.op === 'in') return testIn(where.values, type, prepare);
  if (!('value' in where)) {
    const isNull = where.op === 'is null';
    return { ofNull: isNull ? TRUE : FALSE, ofValue: () => (isNull ? FALSE : TRUE) };
  }
  if (where.value === null) return { ofNull: NULL, ofValue: () => NULL };
  const compare = prepare(where.value);
  const holds = operators[where.op];
  return { ofNull: NULL, ofValue: (value) => (holds(compare(value)) ? TRUE : FALSE) };
}

/** A value that is not in the list is unknown where the list has NULL. */
function testIn(
  values: readonly Literal[],
  type: DataType,
  prepare: (literal: Exclude<Literal, null>) => CompareTo,
): Test {
  const present = values.filter((value) => value !== null);
  const otherwise = present.length < values.length ? NULL : FALSE;
  const compares = present.map(prepare);
  const set = setOf(present, type);
  const isIn = set
    ? (v: unknown) => set.has(v)
    : (v: unknown) => compares.some((compare) => compare(v) === 0);
  return { ofNull: values.length === 0 ? FALSE : NULL, ofValue: (v) => (isIn(v) ? TRUE : otherwise) };
}

/** Long lists of keys are looked up, not gone through. */
function setOf(values: readonly Exclude<Literal, null>[], type: DataType): Set<unknown> | undefined {
  if (type === 'string') return new Set(values);
  const whole = values.every(
    (v) => typeof v === 'bigint' || (typeof v === 'number' && Number.isSafeInteger(v)),
  );
  if (!whole) return undefined;
  if (type === 'long') return new Set(values.map((v) => BigInt(v as number | bigint)));
  return type === 'integer' || type === 'short' || type === 'byte' ? new Set(values.map(Number)) : undefined;
}

const operators = {
  '=': (order: number) => order === 0,
  '!=': (order: number) => order !== 0,
  '<': (order: number) => order < 0,
  '<=': (order: number) => order <= 0,
  '>': (order: number) => order > 0,
  '>=': (order: number) => order >= 0,
} satisfies Record<string, (order: number) => boolean>;

function evaluateColumn(vector: Vector, below: readonly string[], test: Test, rowCount: number): Uint8Array {
  const outcomes = new Uint8Array(rowCount);
  const { values, nulls } = vector;
  for (let i = 0; i < rowCount; i++) {
    let value = nulls?.[i] ? null : values[i];
    for (const name of below) value = value === null ? null : (value as Record<string, unknown>)[name];
    outcomes[i] = value === null || value === undefined ? test.ofNull : test.ofValue(value);
  }
  return outcomes;
}

import type { AddFile } from '../actions.js';
import type { Literal, Predicate } from '../contract.js';
import { DeltaError } from '../errors.js';
import type { DataType, StructField, StructType } from '../schema.js';
import { type FileStats, parseStats } from '../stats.js';
import { checkPredicate } from './predicate.js';
import { type Bounds, type Comparable, compare, literalOf, partitionBounds, statsBounds } from './values.js';

/** What a predicate can be for the rows of a file: some of its rows, all of them, or none for sure. */
export interface FileMatch {
  /** False only where the predicate is true for no row of the file. */
  some(file: AddFile): boolean;
  /** True only where the predicate is true for every row of the file. */
  all(file: AddFile): boolean;
}

/**
 * Prepares a predicate for a table's files. SQL's three-valued logic: a row counts where the predicate is true, not
 * where it is NULL. Pure; what is not known of a file counts as possible.
 * @throws DeltaError of kind `invalid` where it is none, or names a column that the table does not have.
 */
export function matcher(
  where: Predicate,
  schema: StructType,
  partitionColumns: readonly string[],
): FileMatch {
  checkPredicate(where);
  const evaluate = compile(where, { schema, partitionColumns });
  return {
    some: (file) => (evaluate(new FileFacts(file)) & TRUE) !== 0,
    all: (file) => evaluate(new FileFacts(file)) === TRUE,
  };
}

/** Outcomes that a row can have, as a set of bits. */
const TRUE = 1;
const FALSE = 2;
const NULL = 4;

type Evaluate = (file: FileFacts) => number;

interface TableColumns {
  schema: StructType;
  partitionColumns: readonly string[];
}

/** A file's statistics, parsed when the first column asks. */
class FileFacts {
  private parsed: FileStats | null | undefined;

  constructor(readonly file: AddFile) {}

  get stats(): FileStats | null {
    if (this.parsed === undefined) this.parsed = parseStats(this.file) ?? null;
    return this.parsed;
  }
}

/** What is known of a column in a file. */
interface ColumnFacts extends Bounds {
  mayBeNull: boolean;
  mayHaveValue: boolean;
}

function compile(where: Predicate, columns: TableColumns): Evaluate {
  if ('and' in where) return combine(where.and, columns, TRUE, and);
  if ('or' in where) return combine(where.or, columns, FALSE, or);
  if ('not' in where) {
    const inner = compile(where.not, columns);
    return (file) => not(inner(file));
  }
  const column = resolveColumn(where.column, columns);
  if ('value' in where) return comparison(where.op, where.value, column);
  if ('values' in where) {
    const equals = where.values.map((value) => comparison('=', value, column));
    return (file) => equals.reduce((outcomes, equal) => or(outcomes, equal(file)), FALSE);
  }
  const [ifNull, ifValue] = where.op === 'is null' ? [TRUE, FALSE] : [FALSE, TRUE];
  return (file) => nullness(column.facts(file), ifNull, ifValue);
}

function combine(
  terms: readonly Predicate[],
  columns: TableColumns,
  start: number,
  by: (a: number, b: number) => number,
): Evaluate {
  const compiled = terms.map((term) => compile(term, columns));
  const decided = start === TRUE ? FALSE : TRUE;
  return (file) => {
    let outcomes = start;
    for (const term of compiled) {
      outcomes = by(outcomes, term(file));
      if (outcomes === decided) break;
    }
    return outcomes;
  };
}

type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>=';

function comparison(op: Comparison, value: Literal, column: Column): Evaluate {
  if (value === null) return () => NULL;
  const literal = literalOf(value, column.type, column.name);
  const possible = POSSIBLE[op];
  return (file) => {
    const facts = column.facts(file);
    return (facts.mayBeNull ? NULL : 0) | (facts.mayHaveValue ? possible(facts, literal) : 0);
  };
}

const POSSIBLE: Record<Comparison, (bounds: Bounds, value: Comparable) => number> = {
  '<': (b, v) => (minIs(b, v, -1) ? TRUE : 0) | (maxIs(b, v, 0) ? FALSE : 0),
  '<=': (b, v) => (minIs(b, v, 0) ? TRUE : 0) | (maxIs(b, v, 1) ? FALSE : 0),
  '>': (b, v) => (maxIs(b, v, 1) ? TRUE : 0) | (minIs(b, v, 0) ? FALSE : 0),
  '>=': (b, v) => (maxIs(b, v, 0) ? TRUE : 0) | (minIs(b, v, -1) ? FALSE : 0),
  '=': (b, v) => equality(b, v, TRUE, FALSE),
  '!=': (b, v) => equality(b, v, FALSE, TRUE),
};

function equality(bounds: Bounds, value: Comparable, ifEqual: number, otherwise: number): number {
  const mayEqual = minIs(bounds, value, 0) && maxIs(bounds, value, 0);
  const { min, max } = bounds;
  const onlyValue =
    min !== undefined && max !== undefined && compare(min, value) === 0 && compare(max, value) === 0;
  return (mayEqual ? ifEqual : 0) | (onlyValue ? 0 : otherwise);
}

/** May there be a value below `value` (`orEqual` -1), or not above it (0)? */
function minIs({ min }: Bounds, value: Comparable, orEqual: -1 | 0): boolean {
  return min === undefined || compare(min, value) <= orEqual;
}

/** May there be a value above `value` (`orEqual` 1), or not below it (0)? */
function maxIs({ max }: Bounds, value: Comparable, orEqual: 0 | 1): boolean {
  return max === undefined || compare(max, value) >= orEqual;
}

function nullness(facts: ColumnFacts, ifNull: number, ifValue: number): number {
  return (facts.mayBeNull ? ifNull : 0) | (facts.mayHaveValue ? ifValue : 0);
}

function not(outcomes: number): number {
  return (outcomes & TRUE ? FALSE : 0) | (outcomes & FALSE ? TRUE : 0) | (outcomes & NULL);
}

function and(a: number, b: number): number {
  let outcomes = a & b & TRUE;
  if ((a & FALSE && b) || (b & FALSE && a)) outcomes |= FALSE;
  if ((a & NULL && b & (TRUE | NULL)) || (b & NULL && a & (TRUE | NULL))) outcomes |= NULL;
  return outcomes;
}

function or(a: number, b: number): number {
  return not(and(not(a), not(b)));
}

interface Column {
  name: string;
  type: DataType;
  facts(file: FileFacts): ColumnFacts;
}

function resolveColumn(name: string, { schema, partitionColumns }: TableColumns): Column {
  const path = findColumn(schema, name);
  const field = path.at(-1)!;
  const { type } = field;
  const keys = path.map(physicalName);
  if (path.length === 1 && partitionColumns.includes(field.name)) {
    return { name, type, facts: ({ file }) => partitionFacts(file.partitionValues[keys[0]!], type) };
  }
  return { name, type, facts: (file) => statsFacts(file, keys, type) };
}

function partitionFacts(value: string | null | undefined, type: DataType): ColumnFacts {
  if (value === undefined || value === null || value === '') return { mayBeNull: true, mayHaveValue: false };
  return { ...partitionBounds(value, type), mayBeNull: false, mayHaveValue: true };
}

function statsFacts(file: FileFacts, keys: readonly string[], type: DataType): ColumnFacts {
  const { stats } = file;
  if (!stats) return { mayBeNull: true, mayHaveValue: true };
  // Both for tight and for wide bounds only these two counts say something (section "Per-file Statistics").
  const nulls = valueAt(stats.nullCount, keys);
  return {
    ...statsBounds(valueAt(stats.minValues, keys), valueAt(stats.maxValues, keys), type),
    mayBeNull: nulls !== 0,
    mayHaveValue: stats.numRecords === undefined || nulls !== stats.numRecords,
  };
}

function valueAt(values: Record<string, unknown> | undefined, keys: readonly string[]): unknown {
  let value: unknown = values;
  for (const key of keys) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/**
 * By name, else without regard to case, else as a path into structs: `a.b`. The fields from the table's column down.
 * @throws DeltaError of kind `invalid` where the table has no such column.
 */
export function findColumn(schema: StructType, name: string): StructField[] {
  const path = findField(schema, name) ?? findPath(schema, name);
  if (!path) throw new DeltaError('invalid', `The table has no column ${name}`);
  return path;
}

function findField({ fields }: StructType, name: string): StructField[] | undefined {
  const lower = name.toLowerCase();
  const field =
    fields.find((candidate) => candidate.name === name) ??
    fields.find((candidate) => candidate.name.toLowerCase() === lower);
  return field && [field];
}

function findPath(schema: StructType, name: string): StructField[] | undefined {
  for (let dot = name.indexOf('.'); dot > 0; dot = name.indexOf('.', dot + 1)) {
    const head = findField(schema, name.slice(0, dot))?.[0];
    if (!head || typeof head.type === 'string' || head.type.type !== 'struct') continue;
    const rest = findField(head.type, name.slice(dot + 1)) ?? findPath(head.type, name.slice(dot + 1));
    if (rest) return [head, ...rest];
  }
  return undefined;
}

/** Statistics and partition values are keyed by it: the section "Column Mapping". */
function physicalName(field: StructField): string {
  const physical = field.metadata['delta.columnMapping.physicalName'];
  return typeof physical === 'string' ? physical : field.name;
}

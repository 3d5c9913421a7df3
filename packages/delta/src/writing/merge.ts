import { rowChecks } from '../constraints/row-checks.js';
import type { Predicate, Snapshot } from '../contract.js';
import { DeltaError } from '../errors.js';
import type { Row } from '../rows/values.js';
import type { StructField } from '../schema.js';
import { compareUtf8 } from '../store/path.js';
import type { MergeOptions, Rows } from './contract.js';
import { type Built, built, type Counts, userRow } from './operations.js';
import { type Decision, rewriteFiles } from './rewrite.js';
import { checkRows, partialRowInput, type RowInput, rowInput } from './row-input.js';
import { type WritePlace, WriteSession } from './session.js';

/** Source rows by their key; held in memory, so that a merge can be computed anew. */
export interface MergeSource {
  rows: readonly Row[];
}

/** Up to so many keys are looked for one by one in the statistics of files, more of them by their range. */
const keysInPredicateMax = 200;

export async function readSource(rows: Rows): Promise<MergeSource> {
  checkRows(rows);
  const held: Row[] = [];
  for await (const row of rows) held.push(row);
  return { rows: held };
}

/**
 * Brings source rows into the table by their key: matched rows change, the others are added.
 * @throws DeltaError of kind `invalid` where two source rows have one key
 */
export async function merge(
  place: WritePlace,
  snapshot: Snapshot,
  source: MergeSource,
  options: MergeOptions,
): Promise<Built> {
  const plan = new MergePlan(snapshot, source, options);
  const session = new WriteSession(place, snapshot);
  const files = plan.readsAll ? snapshot.files() : snapshot.files(plan.mayMatch);
  const counts: Counts = {
    rowsInserted: 0,
    ...(await rewriteFiles(files, { place, snapshot, session, ...plan.target })),
  };
  for (const row of plan.inserts()) {
    counts.rowsInserted++;
    await session.insert(row);
  }
  const written = await session.finish();
  if (written.remove?.length === 0 && counts.rowsInserted === 0 && !options.txn) return null;
  const read = plan.readsAll ? 'all' : (plan.mayMatch ?? 'none');
  return built('MERGE', { predicate: JSON.stringify(options.on) }, snapshot, written, read, counts, options);
}

interface SourceRow {
  row: Row;
  /** Undefined for columns that the row does not have. */
  values: unknown[];
  matched: boolean;
}

class MergePlan {
  /** The columns that decisions look at, and the decision. */
  readonly target: { columns: readonly StructField[]; decide: (row: readonly unknown[]) => Decision };
  readonly readsAll: boolean;
  /** True of every row that a source row can match; undefined where none can. */
  readonly mayMatch: Predicate | undefined;
  private readonly byKey = new Map<unknown, SourceRow>();
  private readonly unmatchable: SourceRow[] = [];
  private readonly fields: readonly StructField[];
  private readonly keys: readonly StructField[];
  private readonly input: RowInput;
  private readonly check: (row: readonly unknown[]) => void;

  constructor(
    snapshot: Snapshot,
    source: MergeSource,
    private readonly options: MergeOptions,
  ) {
    this.fields = snapshot.schema.fields;
    this.keys = keyFields(this.fields, options.on);
    this.input = rowInput(snapshot.schema, snapshot.partitionColumns);
    this.check = rowChecks(snapshot);
    this.index(source.rows, partialRowInput(snapshot.schema, snapshot.partitionColumns));
    this.readsAll = (options.whenNotMatchedBySource ?? 'keep') !== 'keep';
    this.mayMatch = this.keyRange();
    const columns = this.needsWholeRows() ? this.fields : this.keys;
    const at = this.keys.map((key) => columns.indexOf(key));
    const toRow = userRow(columns);
    this.target = {
      columns,
      decide: (row) => {
        const found = this.find(row, at);
        if (found === undefined) return this.notMatchedBySource(row, toRow);
        found.matched = true;
        return this.matched(row, found, toRow);
      },
    };
  }

  *inserts(): Generator<unknown[]> {
    const { whenNotMatched = 'insert' } = this.options;
    if (whenNotMatched === 'ignore') return;
    for (const source of [...this.byKey.values(), ...this.unmatchable]) {
      if (source.matched) continue;
      const row = whenNotMatched === 'insert' ? source.row : whenNotMatched(source.row);
      if (row !== undefined) yield this.checked(this.input(row));
    }
  }

  private index(rows: readonly Row[], input: RowInput): void {
    const at = this.keys.map((key) => this.fields.indexOf(key));
    for (const row of rows) {
      const values = input(row);
      const own = at.map((i) => values[i]);
      const missing = this.keys[own.indexOf(undefined)];
      if (missing)
        throw new DeltaError('invalid', `A source row has no ${missing.name}, which it is matched by`);
      const source: SourceRow = { row, values, matched: false };
      const key = keyOf(own);
      if (key === undefined) this.unmatchable.push(source);
      else if (this.byKey.has(key)) {
        const shown = this.options.on.map((name) => String(row[name])).join(', ');
        throw new DeltaError('invalid', `Two source rows have the same key: ${shown}`);
      } else this.byKey.set(key, source);
    }
  }

  private find(row: readonly unknown[], at: readonly number[]): SourceRow | undefined {
    const key = at.length === 1 ? keyOf([row[at[0]!]]) : keyOf(at.map((i) => row[i]));
    return key === undefined ? undefined : this.byKey.get(key);
  }

  private matched(
    row: readonly unknown[],
    source: SourceRow,
    toRow: (row: readonly unknown[]) => Row,
  ): Decision {
    const { whenMatched = 'update' } = this.options;
    if (whenMatched === 'ignore') return undefined;
    if (whenMatched === 'delete') return null;
    if (typeof whenMatched === 'function') return this.decided(whenMatched(toRow(row), source.row));
    // Where only the keys were read, the source has all columns.
    return this.checked(source.values.map((value, i) => (value === undefined ? row[i] : value)));
  }

  private notMatchedBySource(row: readonly unknown[], toRow: (row: readonly unknown[]) => Row): Decision {
    const { whenNotMatchedBySource: when = 'keep' } = this.options;
    if (when === 'keep') return undefined;
    return when === 'delete' ? null : this.decided(when(toRow(row)));
  }

  private decided(row: Row | null | undefined): Decision {
    return row === null || row === undefined ? row : this.checked(this.input(row));
  }

  private checked(values: unknown[]): unknown[] {
    this.check(values);
    return values;
  }

  private needsWholeRows(): boolean {
    const { whenMatched = 'update', whenNotMatchedBySource } = this.options;
    if (typeof whenMatched === 'function' || typeof whenNotMatchedBySource === 'function') return true;
    if (whenMatched !== 'update') return false;
    return [...this.byKey.values()].some(({ values }) => values.includes(undefined));
  }

  /** For files' statistics, and for conflicts with what others write at the same time. */
  private keyRange(): Predicate | undefined {
    if (this.byKey.size === 0) return undefined;
    const sources = [...this.byKey.values()];
    const ranges = this.keys.flatMap((key) => {
      const i = this.fields.indexOf(key);
      return rangeOf(
        key,
        sources.map(({ values }) => values[i]),
      );
    });
    return ranges.length === 0 ? { and: [] } : { and: ranges };
  }
}

/** Types that are unlike themselves (NaN), or have no order, do not identify rows. */
const keyTypes = /^(string|long|integer|short|byte|boolean|date|timestamp|timestamp_ntz|decimal\(.*\))$/;

function keyFields(fields: readonly StructField[], on: readonly string[]): StructField[] {
  if (!on?.length) throw new DeltaError('invalid', 'A merge needs a column to match rows by: `on`');
  return on.map((name) => {
    const field = fields.find((candidate) => candidate.name === name);
    if (field === undefined) throw new DeltaError('invalid', `The table has no column ${name}`);
    if (typeof field.type !== 'string' || !keyTypes.test(field.type)) {
      throw new DeltaError('invalid', `Rows cannot be matched by ${name}, whose type is no key`);
    }
    return field;
  });
}

/** What a Map can look up: equal where all values are. Undefined where one is null. */
function keyOf(values: readonly unknown[]): unknown {
  if (values.includes(null)) return undefined;
  return values.length === 1 ? values[0] : values.map((value) => `${String(value).length}:${value}`).join();
}

function rangeOf(field: StructField, values: readonly unknown[]): Predicate[] {
  const { name: column, type } = field;
  if (type === 'boolean' || String(type).startsWith('decimal')) return [];
  const toLiteral = userRow([field]);
  const literal = (value: unknown) => toLiteral([value])[column] as string | number | bigint;
  const distinct = [...new Set(values)];
  if (distinct.length <= keysInPredicateMax) return [{ column, op: 'in', values: distinct.map(literal) }];
  const compare = type === 'string' ? compareText : compareNumbers;
  const min = distinct.reduce((a, b) => (compare(b, a) < 0 ? b : a));
  const max = distinct.reduce((a, b) => (compare(b, a) > 0 ? b : a));
  return [
    { column, op: '>=', value: literal(min) },
    { column, op: '<=', value: literal(max) },
  ];
}

function compareText(a: unknown, b: unknown): number {
  return compareUtf8(a as string, b as string);
}

function compareNumbers(a: unknown, b: unknown): number {
  return (a as number) < (b as number) ? -1 : Number((a as number) > (b as number));
}

import type { Vector } from '../parquet/assemble.js';
import type { ParquetFile } from '../parquet/file.js';
import type { ParquetNode } from '../parquet/metadata.js';
import { byName, readBatches, valueAt } from '../parquet/read.js';
import type { StructField, StructType } from '../schema.js';
import { type StatsColumns, statsColumns } from './stats-read.js';

/**
 * The actions of a Parquet file, one for each row, as the same lines of JSON would have them; a row group at a time.
 * @param schema a column for each kind of action
 */
export async function* parquetActions(
  file: ParquetFile,
  schema: StructType,
): AsyncGenerator<{ [kind: string]: object }[]> {
  const stats = statsColumns(file.schema);
  const kinds = schema.fields.map((field) => kindOf(field, stats));
  // A row holds one action, in the columns of its kind; the kinds are read one after the other.
  for await (const { rowCount, columns } of readBatches(file, flatSchema(kinds), byFlatName)) {
    const actions: { [kind: string]: object }[] = [];
    let first = 0;
    for (const { kind, fields, required } of kinds) {
      const own = columns.slice(first, first + fields.length);
      first += fields.length;
      const { nulls } = own[required]!;
      for (let row = 0; row < rowCount; row++) {
        if (nulls?.[row]) continue;
        const body = bodyOf(fields, own, row);
        if (stats && kind === 'add') withStats(body, own.at(-1)!, row, stats);
        actions.push({ [kind]: body });
      }
    }
    yield actions;
  }
}

function withStats(body: Record<string, unknown>, column: Vector, row: number, stats: StatsColumns): void {
  const parsed = valueAt(column, row, stats.field);
  delete body[stats.field.name];
  if (parsed !== null) body.stats = stats.text(parsed);
}

/** As the same line of JSON has it: nulls left out, longs as numbers. */
function bodyOf(
  fields: readonly StructField[],
  columns: readonly Vector[],
  row: number,
): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (let i = 0; i < fields.length; i++) {
    const value = valueAt(columns[i]!, row, fields[i]!);
    if (value !== null && value !== undefined) body[fields[i]!.name] = plain(value);
  }
  return body;
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  // In a map, a null is a value and not a missing one.
  if (value instanceof Map) return Object.fromEntries(value);
  const present = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(present.map(([name, field]) => [name, plain(field)]));
}

/** The field of an action without which there is none: it tells which rows are of the kind. */
const REQUIRED: Readonly<Record<string, string>> = {
  txn: 'appId',
  add: 'path',
  remove: 'path',
  metaData: 'schemaString',
  protocol: 'minReaderVersion',
  domainMetadata: 'domain',
  checkpointMetadata: 'version',
  sidecar: 'path',
};

interface Kind {
  kind: string;
  fields: StructField[];
  /** Position of the field that tells. */
  required: number;
}

function kindOf({ name: kind, type }: StructField, stats: StatsColumns | undefined): Kind {
  const own = (type as StructType).fields;
  const fields = stats && kind === 'add' ? [...own, stats.field] : own;
  return { kind, fields, required: fields.findIndex(({ name }) => name === REQUIRED[kind]) };
}

/**
 * The fields of the actions as columns of their own, `add/path` instead of `path` in `add`. So an action is made of
 * its fields without another object in between, which for 100,000 files is half of the time.
 */
function flatSchema(kinds: readonly Kind[]): StructType {
  const fields = kinds.flatMap((of) =>
    of.fields.map((field) => ({ ...field, name: `${of.kind}/${field.name}` })),
  );
  return { type: 'struct', fields };
}

function byFlatName(field: StructField, among: readonly ParquetNode[]): ParquetNode | undefined {
  const [kind, name] = field.name.split('/');
  if (kind === undefined || name === undefined) return byName(field, among);
  const parent = byName({ ...field, name: kind }, among);
  return parent && byName({ ...field, name }, parent.children);
}

import type { AddFile, DataType, Literal, Predicate, Snapshot, StructField } from '@eventlake/delta';
import { EventlakeError } from '../../errors.js';
import { quoteName, quoteText } from './sql-text.js';
import { duckdbTypeOf } from './types.js';

export interface TableRead {
  /** The table's path in the store. */
  path: string;
  snapshot: Snapshot;
  /** Where a file of it lies on this machine. */
  localFile: (file: AddFile) => string;
  where?: Predicate;
  columns?: readonly string[];
}

/**
 * SQL for the rows of a version: its live files, those that `where` leaves, with their partition values, which are the log's and not the paths',
 * each column in the declared type and order. A file that was written before a column was added has nulls there.
 */
export function tableSql(read: TableRead, files: readonly AddFile[]): string {
  const { snapshot, where, columns } = read;
  const { fields } = snapshot.schema;
  const wanted = columns === undefined ? fields : columns.map((name) => fieldOf(read, name));
  const rows = filesSql(read, files);
  const names = wanted.map(({ name }) => quoteName(name)).join(', ');
  const filter = where === undefined ? '' : `\nWHERE ${predicateSql(read, where)}`;
  return `SELECT ${names} FROM (${rows}) AS live${filter}`;
}

/** SQL for all rows of these files of the table. */
export function filesSql(read: TableRead, files: readonly AddFile[]): string {
  checkReadable(read);
  const groups = groupByPartition(files).map((group) => groupSql(read, group));
  return groups.length === 0 ? noRowsSql(read.snapshot.schema.fields) : groups.join('\nUNION ALL ');
}

/** The same with where each row lies, also of files with deletion vectors, whose rows are all there. */
export function placedFilesSql(read: TableRead, files: readonly AddFile[]): string {
  checkMapping(read);
  const places = ', filename AS "file path", file_row_number AS "file position"';
  const groups = groupByPartition(files).map((group) =>
    groupSql(read, group, places, ', filename = true, file_row_number = true'),
  );
  if (groups.length > 0) return groups.join('\nUNION ALL ');
  return noRowsSql(
    read.snapshot.schema.fields,
    ', \'\'::VARCHAR AS "file path", 0::BIGINT AS "file position"',
  );
}

/** The condition of a predicate on the table's columns. */
export function whereSql(read: TableRead, where: Predicate | undefined): string {
  return where === undefined ? 'TRUE' : predicateSql(read, where);
}

/** @throws EventlakeError `invalid`: reading wrongly is worse than not reading. */
function checkReadable(read: TableRead): void {
  checkMapping(read);
  if (read.snapshot.files().some((file) => file.deletionVector)) {
    refuse(read, 'tables with deletion vectors');
  }
}

function checkMapping(read: TableRead): void {
  const mode = read.snapshot.metadata.configuration['delta.columnMapping.mode'] ?? 'none';
  if (mode !== 'none') refuse(read, 'tables with column mapping');
}

function refuse({ path }: TableRead, what: string): never {
  throw new EventlakeError('invalid', `The DuckDB engine does not read ${what}`, { table: path });
}

function fieldOf({ path, snapshot }: TableRead, name: string): StructField {
  const field = snapshot.schema.fields.find((field) => field.name === name);
  if (field) return field;
  throw new EventlakeError('invalid', `${path} has no column ${name}`, { table: path });
}

function groupByPartition(files: readonly AddFile[]): AddFile[][] {
  const groups = new Map<string, AddFile[]>();
  for (const file of files) {
    const key = JSON.stringify(Object.entries(file.partitionValues).sort());
    const group = groups.get(key);
    if (group) group.push(file);
    else groups.set(key, [file]);
  }
  return [...groups.values()];
}

/** The rows of files with the same partition values. */
function groupSql(read: TableRead, files: readonly AddFile[], places = '', placing = ''): string {
  const { schema, partitionColumns } = read.snapshot;
  const data = schema.fields.filter(({ name }) => !partitionColumns.includes(name));
  const present = presentColumns(files, data);
  const columns = schema.fields.map((field) => {
    const type = duckdbTypeOf(field.type);
    const name = quoteName(field.name);
    if (partitionColumns.includes(field.name)) {
      return `${partitionSql(files[0]!.partitionValues[field.name] ?? null, field.type)} AS ${name}`;
    }
    return present.some.has(field.name) ? `CAST(${name} AS ${type}) AS ${name}` : `NULL::${type} AS ${name}`;
  });
  const paths = files.map((file) => quoteText(escapeGlob(read.localFile(file)))).join(', ');
  // Files from before a column was widened have it narrow: DuckDB must not take the first file's type for all.
  const widened = data.some(({ metadata }) => metadata['delta.typeChanges'] !== undefined);
  const options = `hive_partitioning = false${present.uniform && !widened ? '' : ', union_by_name = true'}`;
  return `SELECT ${columns.join(', ')}${places} FROM read_parquet([${paths}], ${options}${placing})`;
}

/**
 * Which columns the files have, by their statistics, which count the nulls of every column; where a file has none, all
 * are taken to be there. Not uniform: DuckDB must look at every file's schema.
 */
function presentColumns(
  files: readonly AddFile[],
  data: readonly StructField[],
): { some: ReadonlySet<string>; uniform: boolean } {
  const some = new Set<string>();
  let uniform = true;
  for (const { stats } of files) {
    for (const { name } of data) {
      if (stats === undefined || stats.includes(JSON.stringify(name))) some.add(name);
      else uniform = false;
    }
    uniform &&= stats !== undefined;
  }
  return { some, uniform: uniform || files.length === 1 };
}

/** `read_parquet` takes patterns; a bracket with one character in it is that character. */
function escapeGlob(path: string): string {
  return path.replace(/[*?[]/g, (character) => `[${character}]`);
}

/** The section "Partition Value Serialization": the empty text is null too. */
function partitionSql(value: string | null, type: DataType): string {
  const name = duckdbTypeOf(type);
  return value === null || value === '' ? `NULL::${name}` : `CAST(${quoteText(value)} AS ${name})`;
}

function noRowsSql(fields: readonly StructField[], places = ''): string {
  const columns = fields.map(({ name, type }) => `NULL::${duckdbTypeOf(type)} AS ${quoteName(name)}`);
  return `SELECT ${columns.join(', ')}${places} WHERE FALSE`;
}

function predicateSql(read: TableRead, predicate: Predicate): string {
  if ('and' in predicate) return joined(read, predicate.and, 'AND', 'TRUE');
  if ('or' in predicate) return joined(read, predicate.or, 'OR', 'FALSE');
  if ('not' in predicate) return `NOT (${predicateSql(read, predicate.not)})`;
  const { type } = fieldOf(read, predicate.column);
  const column = quoteName(predicate.column);
  switch (predicate.op) {
    case 'is null':
      return `${column} IS NULL`;
    case 'is not null':
      return `${column} IS NOT NULL`;
    case 'in':
      if (predicate.values.length === 0) return 'FALSE';
      return `${column} IN (${predicate.values.map((value) => literalSql(value, type)).join(', ')})`;
    default:
      return `${column} ${predicate.op} ${literalSql(predicate.value, type)}`;
  }
}

function joined(read: TableRead, parts: readonly Predicate[], word: 'AND' | 'OR', none: string): string {
  return parts.length === 0 ? none : parts.map((part) => `(${predicateSql(read, part)})`).join(` ${word} `);
}

function literalSql(value: Literal, type: DataType): string {
  if (value === null) return `NULL::${duckdbTypeOf(type)}`;
  const text = value instanceof Date ? value.toISOString() : String(value);
  return `CAST(${quoteText(text)} AS ${duckdbTypeOf(type)})`;
}

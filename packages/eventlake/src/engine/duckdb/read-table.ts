import { type AddFile, filesByPartition, type StructField } from '@eventlake/delta';
import { EventlakeError } from '../../errors.js';
import { partitionValueSql, type TableRead, wantedFields, whereSql } from '../delta/sql.js';
import type { TableVersion } from '../delta/tables.js';
import { duckdbSql, duckdbTypeOf, quoteName, quoteText } from './sql-text.js';

/** A version of a table whose files are on this machine. */
export interface LocalTable extends TableVersion {
  localFile: (file: AddFile) => string;
}

/**
 * SQL for the rows of a version: its live files, those that `where` leaves, with their partition values, which are the
 * log's and not the paths', each column in the declared type and order. A file that was written before a column was added
 * has nulls there.
 */
export function tableSql(read: TableRead & LocalTable, files: readonly AddFile[]): string {
  const names = wantedFields(read).map(({ name }) => quoteName(name));
  return `SELECT ${names.join(', ')} FROM (${filesSql(read, files)}) AS live\nWHERE ${whereSql(duckdbSql, read)}`;
}

/** SQL for all rows of these files of the table. */
export function filesSql(table: LocalTable, files: readonly AddFile[]): string {
  checkReadable(table);
  const groups = filesByPartition(files).map((group) => groupSql(table, group));
  return groups.length === 0 ? noRowsSql(table.snapshot.schema.fields) : groups.join('\nUNION ALL ');
}

/** The same with where each row lies, also of files with deletion vectors, whose rows are all there. */
export function placedFilesSql(table: LocalTable, files: readonly AddFile[]): string {
  checkMapping(table);
  const places = ', filename AS "file path", file_row_number AS "file position"';
  const groups = filesByPartition(files).map((group) =>
    groupSql(table, group, places, ', filename = true, file_row_number = true'),
  );
  if (groups.length > 0) return groups.join('\nUNION ALL ');
  return noRowsSql(
    table.snapshot.schema.fields,
    ', \'\'::VARCHAR AS "file path", 0::BIGINT AS "file position"',
  );
}

/** @throws EventlakeError `invalid`: reading wrongly is worse than not reading. */
function checkReadable(table: LocalTable): void {
  checkMapping(table);
  if (table.snapshot.files().some((file) => file.deletionVector)) {
    refuse(
      table,
      'tables with deletion vectors',
      `\`eventlake table optimize ${table.path.replaceAll('/', '.')}\` writes the files anew without the rows that another engine has deleted.`,
    );
  }
}

function checkMapping(table: LocalTable): void {
  const mode = table.snapshot.metadata.configuration['delta.columnMapping.mode'] ?? 'none';
  if (mode !== 'none') refuse(table, 'tables with column mapping');
}

function refuse({ path }: LocalTable, what: string, hint?: string): never {
  throw new EventlakeError('invalid', `The DuckDB engine does not read ${what}`, { table: path }, hint);
}

/** The rows of files with the same partition values. */
function groupSql(table: LocalTable, files: readonly AddFile[], places = '', placing = ''): string {
  const { schema, partitionColumns } = table.snapshot;
  const data = schema.fields.filter(({ name }) => !partitionColumns.includes(name));
  const present = presentColumns(files, data);
  const columns = schema.fields.map((field) => {
    const type = duckdbTypeOf(field.type);
    const name = quoteName(field.name);
    if (partitionColumns.includes(field.name)) {
      return `${partitionValueSql(duckdbSql, files[0]!.partitionValues[field.name], field.type)} AS ${name}`;
    }
    return present.some.has(field.name) ? `CAST(${name} AS ${type}) AS ${name}` : `NULL::${type} AS ${name}`;
  });
  const paths = files.map((file) => quoteText(escapeGlob(table.localFile(file)))).join(', ');
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

function noRowsSql(fields: readonly StructField[], places = ''): string {
  const columns = fields.map(({ name, type }) => `NULL::${duckdbTypeOf(type)} AS ${quoteName(name)}`);
  return `SELECT ${columns.join(', ')}${places} WHERE FALSE`;
}

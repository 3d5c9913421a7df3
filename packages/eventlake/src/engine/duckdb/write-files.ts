import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import {
  type DuckDBConnection,
  DuckDBMapValue,
  type DuckDBMaterializedResult,
  type DuckDBValue,
} from '@duckdb/node-api';
import { type AddFile, encodeDataPath, type Snapshot, type StructField } from '@eventlake/delta';
import { type CopiedFile, deltaStats } from './file-stats.js';
import { ROW_GROUP_ROWS } from './limits.js';
import { quoteName, quoteText } from './sql-text.js';
import { duckdbTypeOf } from './types.js';

/** Files on disk that no commit names yet. */
export interface WrittenFiles {
  add: AddFile[];
  rows: number;
  bytes: number;
  /** Absolute paths, below `folder`. */
  paths: string[];
  folder: string;
}

/**
 * Computes the query and writes its rows as Parquet files with exact statistics; see `DataFiles` for what becomes of them.
 * Its columns are taken by name and cast to the table's. A crash leaves files that nobody knows, for vacuum.
 * @param missing columns that the query has not: null
 * @param target the folder, absolute; a file is ended when it has reached `fileBytes`.
 */
export async function writeFiles(
  connection: DuckDBConnection,
  target: { folder: string; fileBytes: number },
  snapshot: Snapshot,
  sql: string,
  missing: ReadonlySet<string> = new Set(),
): Promise<WrittenFiles> {
  const { folder } = target;
  const { schema, partitionColumns } = snapshot;
  const columns = schema.fields.map(
    ({ name, type }) =>
      `CAST(${missing.has(name) ? 'NULL' : quoteName(name)} AS ${duckdbTypeOf(type)}) AS ${quoteName(name)}`,
  );
  const name = `part-${randomBytes(4).toString('hex')}`;
  const copy = `COPY (SELECT ${columns.join(', ')} FROM (${sql}) AS prepared)\n${targetSql(target, name, partitionColumns)}`;
  const result = await connection.run(copy).catch(async (error: unknown) => {
    await removeBegun(folder, name);
    throw error;
  });
  const copied = rowsOf(result).map(copiedFile);
  const empty = copied.filter(({ count }) => count === 0);
  await Promise.all(empty.map(({ filename }) => rm(filename, { force: true })));

  const full = copied.filter(({ count }) => count > 0);
  const paths = full.map(({ filename }) => filename);
  const data = schema.fields.filter(({ name }) => !partitionColumns.includes(name));
  const nowMs = Date.now();
  return {
    add: full.map((file) => addFile(folder, file, data, nowMs)),
    rows: full.reduce((sum, { count }) => sum + count, 0),
    bytes: full.reduce((sum, { size }) => sum + size, 0),
    paths,
    folder,
  };
}

/** What is in memory already; `getRowObjects` would go through libuv's pool for each chunk. */
function rowsOf(result: DuckDBMaterializedResult): Record<string, DuckDBValue>[] {
  const names = result.columnNames();
  return Array.from({ length: result.chunkCount }, (_, i) => result.getChunk(i).getRowObjects(names)).flat();
}

async function removeFiles(paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map((path) => rm(path, { force: true })));
}

/** DuckDB leaves what it had begun to write when a query fails. */
async function removeBegun(folder: string, name: string): Promise<void> {
  const paths = await readdir(folder, { recursive: true });
  await removeFiles(
    paths.filter((path) => basename(path).startsWith(name)).map((path) => join(folder, path)),
  );
}

/** zstd's level 1 takes two thirds of the time of its default level 3, and the files are no larger. */
const FORMAT = [
  'FORMAT parquet',
  'COMPRESSION zstd',
  'COMPRESSION_LEVEL 1',
  `ROW_GROUP_SIZE ${ROW_GROUP_ROWS}`,
  'RETURN_STATS',
];

/** The name is random, so that no writer ever meets another's file. */
function targetSql(
  { folder, fileBytes }: { folder: string; fileBytes: number },
  name: string,
  partitionColumns: readonly string[],
): string {
  const layout =
    partitionColumns.length > 0
      ? `PARTITION_BY (${partitionColumns.map(quoteName).join(', ')})`
      : `FILE_SIZE_BYTES ${fileBytes}`;
  const options = [...FORMAT, layout, `FILENAME_PATTERN '${name}-{uuid}'`, 'APPEND'];
  return `TO ${quoteText(folder)} (${options.join(', ')})`;
}

function copiedFile(row: Record<string, DuckDBValue>): CopiedFile {
  return {
    filename: row.filename as string,
    count: Number(row.count),
    size: Number(row.file_size_bytes),
    columns: new Map(
      entries(row.column_statistics).map(([name, stats]) => [
        unquoteName(name),
        new Map(entries(stats).map(([key, value]) => [key, value as string])),
      ]),
    ),
    partitionValues: Object.fromEntries(
      entries(row.partition_keys).map(([name, value]) => [name, value as string | null]),
    ),
  };
}

function entries(map: DuckDBValue | undefined): [string, DuckDBValue][] {
  if (!(map instanceof DuckDBMapValue)) return [];
  return map.entries.map(({ key, value }) => [key as string, value]);
}

/** Nested columns have several quoted parts; they stay as they are, and so have no statistics. */
function unquoteName(name: string): string {
  return /^"(?:[^"]|"")*"$/.test(name) ? name.slice(1, -1).replaceAll('""', '"') : name;
}

function addFile(folder: string, file: CopiedFile, data: readonly StructField[], nowMs: number): AddFile {
  return {
    path: encodeDataPath(relative(folder, file.filename).split(sep).join('/')),
    partitionValues: file.partitionValues,
    size: file.size,
    modificationTime: nowMs,
    dataChange: true,
    stats: deltaStats(file, data),
  };
}

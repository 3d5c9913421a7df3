import { randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import {
  type DuckDBConnection,
  DuckDBMapValue,
  type DuckDBMaterializedResult,
  type DuckDBValue,
} from '@duckdb/node-api';
import { type AddFile, encodeDataPath, type StructField } from '@eventlake/delta';
import { deltaStats, type FileStats } from '../delta/file-stats.js';
import type { WrittenFiles } from '../delta/pending-files.js';
import type { WriteTarget } from '../delta/prepared-writes.js';
import { castSql } from '../delta/sql.js';
import type { DataFiles } from './files/data-files.js';
import { ROW_GROUP_ROWS } from './limits.js';
import { duckdbSql, quoteName, quoteText } from './sql-text.js';

/** How a data file is written. */
export interface FileWriter {
  connection: DuckDBConnection;
  files: DataFiles;
  /** A file is ended when it has reached this size. */
  dataFileBytes: number;
}

/**
 * Computes the query and writes its rows as Parquet files with exact statistics. Its columns are taken by name and cast
 * to the table's. A crash leaves files that nobody knows, for vacuum.
 */
export async function writeFiles(
  { connection, files, dataFileBytes }: FileWriter,
  { path, snapshot, missing }: WriteTarget,
  sql: string,
): Promise<WrittenFiles> {
  const { schema, partitionColumns } = snapshot;
  const folder = await files.folderFor(path);
  const columns = castSql(duckdbSql, schema.fields, missing);
  const name = `part-${randomUUID().slice(0, 8)}`;
  const copy = `COPY (SELECT ${columns.join(', ')} FROM (${sql}) AS prepared)\n${targetSql(folder, dataFileBytes, name, partitionColumns)}`;
  try {
    const copied = copiedFiles(await connection.run(copy));
    const full = copied.filter(({ rows }) => rows > 0);
    await removeFiles(copied.filter(({ rows }) => rows === 0).map(({ filename }) => filename));
    const data = schema.fields.filter(({ name }) => !partitionColumns.includes(name));
    const nowMs = Date.now();
    const names = full.map(({ filename }) => filename);
    // While the disk has the files, their statistics are read.
    const [, add] = await Promise.all([
      files.publish(path, folder, names),
      (async () => full.map((file) => addFile(folder, file, data, nowMs)))(),
    ]);
    return {
      add,
      rows: full.reduce((sum, { rows }) => sum + rows, 0),
      bytes: full.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    };
  } catch (error) {
    await removeBegun(folder, name);
    throw error;
  }
}

async function removeFiles(paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map((path) => rm(path, { force: true })));
}

/** DuckDB leaves what it had begun to write when a query fails. Best effort: the folder itself may be gone. */
async function removeBegun(folder: string, name: string): Promise<void> {
  const paths = await readdir(folder, { recursive: true }).catch(() => []);
  await removeFiles(
    paths.filter((path) => basename(path).startsWith(name)).map((path) => join(folder, path)),
  );
}

/** zstd's level 1 takes two thirds of the time of its default level 3, and the files are no larger. */
const FORMAT = ['FORMAT parquet', 'COMPRESSION zstd', 'COMPRESSION_LEVEL 1', 'RETURN_STATS'];

/** The name is random, so that no writer ever meets another's file. */
function targetSql(
  folder: string,
  fileBytes: number,
  name: string,
  partitionColumns: readonly string[],
): string {
  const layout =
    partitionColumns.length > 0
      ? `PARTITION_BY (${partitionColumns.map(quoteName).join(', ')})`
      : `FILE_SIZE_BYTES ${fileBytes}`;
  const options = [
    ...FORMAT,
    `ROW_GROUP_SIZE ${ROW_GROUP_ROWS}`,
    layout,
    `FILENAME_PATTERN '${name}-{uuid}'`,
    'APPEND',
  ];
  return `TO ${quoteText(folder)} (${options.join(', ')})`;
}

/** What `COPY … RETURN_STATS` tells of a file. */
interface CopiedFile {
  filename: string;
  rows: number;
  sizeBytes: number;
  /** By column; they take longest to read. */
  columns(): FileStats['columns'];
  partitionValues(): Record<string, string | null>;
}

/** At once, from what is in memory already: the result's own readers go through libuv's pool for each chunk. */
function copiedFiles(result: DuckDBMaterializedResult): CopiedFile[] {
  const names = result.columnNames();
  const chunks = Array.from({ length: result.chunkCount }, (_, i) => result.getChunk(i));
  return chunks.flatMap((chunk) =>
    Array.from({ length: chunk.rowCount }, (_, row) => {
      const value = (name: string) => chunk.getColumnVector(names.indexOf(name)).getItem(row);
      return {
        filename: value('filename') as string,
        rows: Number(value('count')),
        sizeBytes: Number(value('file_size_bytes')),
        columns: () =>
          new Map(
            entries(value('column_statistics')).map(([name, stats]) => [
              unquoteName(name),
              new Map(entries(stats).map(([key, value]) => [key, value as string])),
            ]),
          ),
        partitionValues: () =>
          Object.fromEntries(
            entries(value('partition_keys')).map(([name, value]) => [name, value as string | null]),
          ),
      };
    }),
  );
}

function entries(map: DuckDBValue): [string, DuckDBValue][] {
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
    partitionValues: file.partitionValues(),
    size: file.sizeBytes,
    modificationTime: nowMs,
    dataChange: true,
    stats: deltaStats({ rows: file.rows, columns: file.columns() }, data),
  };
}

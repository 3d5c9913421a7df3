import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { AddFile, DataEngine, DeletedRows, Row, Snapshot, Store, Table } from '@eventlake/delta';
import { whereSql } from '../delta/sql.js';
import { openDatabase } from './database.js';
import { deltaValue } from './delta-values.js';
import { type DataFiles, type Lease, openDataFiles } from './files/data-files.js';
import { CACHE_BYTES, DATA_FILE_BYTES } from './limits.js';
import { mergeSql } from './merge.js';
import { placedFilesSql } from './read-table.js';
import { duckdbSql, quoteName } from './sql-text.js';
import { writeFiles } from './write-files.js';

export interface DuckDbDataEngineOptions {
  store: Store;
  /** Beyond which DuckDB spills to `tempDir`. Default 1024. */
  memoryMb?: number;
  threads?: number;
  /** Default: a folder of its own below the system's. */
  tempDir?: string;
}

/** DuckDB for tables of @eventlake/delta: `openTable(store, path, { engine })`. Queries run on `database`. */
export interface DuckDbDataEngine extends DataEngine {
  readonly database: DuckDBInstance;
  close(): Promise<void>;
}

export async function openDuckDbDataEngine(options: DuckDbDataEngineOptions): Promise<DuckDbDataEngine> {
  const { store, memoryMb = 1024, threads = 2 } = options;
  const tempDir = await mkdtemp(join(options.tempDir ?? tmpdir(), 'eventlake-duckdb-'));
  const database = await openDatabase({ memoryMb, threads, tempDir });
  const cacheDir = join(tempDir, 'cache');
  const dataFiles = openDataFiles({ store, tempDir, cacheDir, cacheBytesMax: CACHE_BYTES });
  return new Engine(database, dataFiles, tempDir);
}

class Engine implements DuckDbDataEngine {
  /** Of writes that are done, for the next ones: they leave nothing behind in it. */
  private readonly idle: DuckDBConnection[] = [];

  constructor(
    readonly database: DuckDBInstance,
    private readonly dataFiles: DataFiles,
    private readonly tempDir: string,
  ) {}

  async rewrite(...[table, snapshot, group, options]: Parameters<DataEngine['rewrite']>): Promise<AddFile[]> {
    const { sortBy = [], deletedRows } = options;
    return this.run(async (connection, lease) => {
      const localFile = await lease.open(table.path, group.files);
      const read = { path: table.path, snapshot, localFile };
      const live = await liveSql(connection, read, group.files, deletedRows);
      const order =
        sortBy.length > 0 ? ` ORDER BY ${sortBy.map((name) => `${quoteName(name)} NULLS FIRST`)}` : '';
      const added = await this.publish(table, snapshot, connection, `SELECT * FROM (${live})${order}`);
      return added.map((file) => ({ ...file, dataChange: false }));
    });
  }

  async *scan(
    table: Table,
    snapshot: Snapshot,
    options: Parameters<NonNullable<DataEngine['scan']>>[2],
  ): AsyncGenerator<Row[]> {
    const { fields } = snapshot.schema;
    const names = options.columns ?? fields.map(({ name }) => name);
    const columns = names.map((name) => fields.find((field) => field.name === name)!);
    const convert = columns.map(({ type }) => deltaValue(type));
    const connection = await this.database.connect();
    const lease = this.dataFiles.lease();
    try {
      const files = snapshot.files(options.where);
      const localFile = await lease.open(table.path, files);
      const read = { path: table.path, snapshot, localFile };
      const live = await liveSql(connection, read, files, options.deletedRows);
      const wanted = columns.length === 0 ? '1' : columns.map(({ name }) => quoteName(name)).join(', ');
      const sql = `SELECT ${wanted} FROM (${live}) AS live WHERE ${whereSql(duckdbSql, { ...read, where: options.where })}`;
      const result = await connection.stream(sql);
      for (
        let chunk = await result.fetchChunk();
        chunk && chunk.rowCount > 0;
        chunk = await result.fetchChunk()
      ) {
        yield chunk
          .getRows()
          .map((values) => Object.fromEntries(columns.map(({ name }, i) => [name, convert[i]!(values[i]!)])));
      }
    } finally {
      connection.disconnectSync();
      await lease.close();
    }
  }

  async write(table: Table, snapshot: Snapshot, { sql }: { sql: string }): Promise<AddFile[]> {
    const connection = this.idle.pop() ?? (await this.database.connect());
    try {
      return await this.publish(table, snapshot, connection, sql);
    } finally {
      this.idle.push(connection);
    }
  }

  async merge(...[table, snapshot, merge]: Parameters<NonNullable<DataEngine['merge']>>) {
    return this.run(async (connection, lease) => {
      const files = snapshot.files();
      const localFile = await lease.open(table.path, files);
      const read = { path: table.path, snapshot, localFile };
      const live = await liveSql(connection, read, files, merge.deletedRows);
      const { sql, result } = await mergeSql(connection, read, files, live, merge);
      return {
        ...result,
        add: sql === undefined ? [] : await this.publish(table, snapshot, connection, sql),
      };
    });
  }

  async close(): Promise<void> {
    for (const connection of this.idle.splice(0)) connection.disconnectSync();
    this.database.closeSync();
    await rm(this.tempDir, { recursive: true, force: true });
  }

  private async run<T>(work: (connection: DuckDBConnection, lease: Lease) => Promise<T>): Promise<T> {
    const connection = await this.database.connect();
    const lease = this.dataFiles.lease();
    try {
      return await work(connection, lease);
    } finally {
      connection.disconnectSync();
      await lease.close();
    }
  }

  private async publish(
    table: Table,
    snapshot: Snapshot,
    connection: DuckDBConnection,
    sql: string,
  ): Promise<AddFile[]> {
    const writer = { connection, files: this.dataFiles, dataFileBytes: DATA_FILE_BYTES };
    return (await writeFiles(writer, { path: table.path, snapshot }, sql)).add;
  }
}

/** SQL for the rows of files less those in deletion vectors, with where each lies. */
async function liveSql(
  connection: DuckDBConnection,
  read: Parameters<typeof placedFilesSql>[0],
  files: readonly AddFile[],
  deletedRows: DeletedRows,
): Promise<string> {
  const placed = placedFilesSql(read, files);
  const thinned = files.filter((file) => file.deletionVector);
  if (thinned.length === 0) return placed;
  await connection.run('CREATE OR REPLACE TEMP TABLE gone (path VARCHAR, position BIGINT)');
  const appender = await connection.createAppender('gone', undefined, 'temp');
  for (const file of thinned) {
    const path = read.localFile(file);
    for (const position of await deletedRows(file)) {
      appender.appendVarchar(path);
      appender.appendBigInt(BigInt(position));
      appender.endRow();
    }
  }
  appender.closeSync();
  const isGone = 'gone.path = placed."file path" AND gone.position = placed."file position"';
  return `SELECT * FROM (${placed}) AS placed ANTI JOIN gone ON ${isGone}`;
}

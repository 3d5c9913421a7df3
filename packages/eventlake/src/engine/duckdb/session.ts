import { type DuckDBConnection, type DuckDBInstance, DuckDBTypeId } from '@duckdb/node-api';
import { EventlakeError, type Where } from '../../errors.js';
import type { EventLog, OffsetRange } from '../../log/event-log.js';
import type { EventDefinition } from '../../schema/definition.js';
import type { BatchId, EngineSession, PreparedWrite, WriteMode, WriteResult } from '../engine.js';
import { commitWrite, type Landing } from './commit.js';
import { toJs } from './database.js';
import { wrapErrors } from './errors.js';
import type { DataFiles, Lease } from './files/data-files.js';
import type { LineShapes } from './line-shapes.js';
import { isUnproven, LogRelation } from './read-log.js';
import { tableSql } from './read-table.js';
import { quoteName } from './sql-text.js';
import type { Tables } from './tables.js';
import { type WrittenFiles, writeFiles } from './write-files.js';

/** What the sessions of an engine share. */
export interface EngineParts {
  database: DuckDBInstance;
  log: EventLog;
  tables: Tables;
  files: DataFiles;
  tempDir: string;
  dataFileBytes: number;
  shapesOf(event: EventDefinition): LineShapes;
  nextId(): number;
}

interface Prepared extends PreparedWrite, Landing {
  path: string;
  files: WrittenFiles;
}

/** A session is a connection: its views and tables are temporary, so closing it forgets them. */
export class DuckDbSession implements EngineSession {
  readonly #parts: EngineParts;
  readonly #connection: DuckDBConnection;
  readonly #logRelations: LogRelation[] = [];
  readonly #prepared: Prepared[] = [];
  readonly #lease: Lease;

  constructor(parts: EngineParts, connection: DuckDBConnection) {
    this.#parts = parts;
    this.#connection = connection;
    this.#lease = parts.files.lease();
  }

  async readLog(relation: string, event: EventDefinition, ranges: readonly OffsetRange[]) {
    const { log, tempDir } = this.#parts;
    const shapes = this.#parts.shapesOf(event);
    const id = this.#parts.nextId();
    const records = new LogRelation(this.#connection, relation, event, shapes, tempDir, id);
    this.#logRelations.push(records);
    return wrapErrors({ topic: event.topic }, async () => {
      const counts = await records.load(log, ranges);
      if (records.shouldResolve) await this.#resolve();
      return counts;
    });
  }

  async readTable(
    relation: string,
    table: string,
    options: Parameters<EngineSession['readTable']>[2] = {},
  ): Promise<{ version: number }> {
    return wrapErrors({ table }, async () => {
      const { version, where, columns } = options;
      const opened = await this.#parts.tables.open(table);
      const snapshot = await opened.snapshot(version === undefined ? undefined : { version });
      const { path } = opened;
      const files = snapshot.files(where);
      const localFile = await this.#lease.open(path, files);
      const read = { path, snapshot, localFile, ...(where && { where }), ...(columns && { columns }) };
      const sql = tableSql(read, files);
      await this.#run(`CREATE OR REPLACE TEMP VIEW ${quoteName(relation)} AS ${sql}`);
      return { version: snapshot.version };
    });
  }

  async define(relation: string, sql: string, options: { materialize?: boolean } = {}): Promise<void> {
    const kind = options.materialize ? 'TABLE' : 'VIEW';
    await wrapErrors({}, () => this.#run(`CREATE OR REPLACE TEMP ${kind} ${quoteName(relation)} AS ${sql}`));
  }

  async query<Row extends object>(sql: string): Promise<Row[]> {
    return wrapErrors({}, async () => {
      const result = await this.#run(sql);
      const names = result.deduplicatedColumnNames();
      const rows = await result.getRows();
      return rows.map((row) => Object.fromEntries(names.map((name, i) => [name, toJs(row[i]!)])) as Row);
    });
  }

  async longs(sql: string): Promise<BigInt64Array> {
    return wrapErrors({}, async () => {
      const result = await this.#run(sql);
      if (result.columnCount !== 1 || result.columnTypeId(0) !== DuckDBTypeId.BIGINT) {
        throw new EventlakeError('invalid', `Not one BIGINT column: ${sql}`);
      }
      const values = new BigInt64Array(result.rowCount);
      let at = 0;
      for (const chunk of await result.fetchAllChunks()) {
        const vector = chunk.getColumnVector(0);
        for (let i = 0; i < chunk.rowCount; i++) values[at++] = vector.getItem(i) as bigint;
      }
      return values;
    });
  }

  async prepare(table: string, sql: string): Promise<PreparedWrite> {
    return wrapErrors({ table }, async () => {
      const opened = await this.#parts.tables.open(table);
      const snapshot = await opened.snapshot();
      const missing = this.#parts.tables.undeclared(table, snapshot);
      const { files: dataFiles, dataFileBytes: fileBytes } = this.#parts;
      const target = { folder: await dataFiles.folderFor(opened), fileBytes };
      const files = await this.#retried(() => writeFiles(this.#connection, target, snapshot, sql, missing));
      await dataFiles.publish(opened, files);
      const prepared: Prepared = {
        table,
        path: opened.path,
        rows: files.rows,
        bytes: files.bytes,
        files,
        readVersion: snapshot.version,
        landed: 'no',
      };
      this.#prepared.push(prepared);
      return prepared;
    });
  }

  async commit(write: PreparedWrite, batch: BatchId, mode: WriteMode): Promise<WriteResult> {
    const where: Where = { table: write.table, batch: batch.version };
    const prepared = this.#prepared.find((prepared) => prepared === write);
    if (!prepared || prepared.landed === 'yes') {
      throw new EventlakeError('internal', 'Committed is what this session prepared, once', where);
    }
    return wrapErrors(where, async () => {
      const table = await this.#parts.tables.open(write.table);
      const result = await commitWrite(table, prepared, batch, mode);
      return { ...result, rows: result.status === 'skipped' ? 0 : write.rows };
    });
  }

  async close(): Promise<void> {
    this.#connection.disconnectSync();
    for (const records of this.#logRelations) await records.close();
    for (const { landed, path, files } of this.#prepared) {
      if (landed === 'no') await this.#parts.files.discard(path, files);
    }
    await this.#lease.close();
  }

  #run(sql: string) {
    return this.#retried(() => this.#connection.run(sql));
  }

  /** A query that met a record that DuckDB cannot vouch for runs again when those are parsed here. */
  async #retried<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (!isUnproven(error) || !(await this.#resolve())) throw error;
      return run();
    }
  }

  async #resolve(): Promise<boolean> {
    const reader = await this.#parts.database.connect();
    try {
      let resolved = false;
      for (const records of this.#logRelations) resolved = (await records.resolve(reader)) || resolved;
      return resolved;
    } finally {
      reader.disconnectSync();
    }
  }
}

import { type DuckDBConnection, type DuckDBInstance, DuckDBTypeId } from '@duckdb/node-api';
import { EventlakeError } from '../../errors.js';
import type { EventLog, OffsetRange } from '../../log/event-log.js';
import type { EventDefinition } from '../../schema/definition.js';
import { PreparedWrites } from '../delta/prepared-writes.js';
import type { Tables } from '../delta/tables.js';
import type { BatchId, EngineSession, PreparedWrite, WriteMode, WriteResult } from '../engine.js';
import { toJs } from './database.js';
import { wrapErrors } from './errors.js';
import type { DataFiles, Lease } from './files/data-files.js';
import type { LineShapes } from './log/line-shapes.js';
import { isUnproven, LogRelation } from './log/read-log.js';
import { tableSql } from './read-table.js';
import { quoteName } from './sql-text.js';
import { writeFiles } from './write-files.js';

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

/** A session is a connection: its views and tables are temporary, so closing it forgets them. */
export class DuckDbSession implements EngineSession {
  readonly #parts: EngineParts;
  readonly #connection: DuckDBConnection;
  readonly #logRelations: LogRelation[] = [];
  readonly #writes: PreparedWrites;
  readonly #lease: Lease;

  constructor(parts: EngineParts, connection: DuckDBConnection) {
    this.#parts = parts;
    this.#connection = connection;
    this.#writes = new PreparedWrites(parts.tables);
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
      const { version, ...wanted } = options;
      const { path, snapshot } = await this.#parts.tables.read(table, version);
      const files = snapshot.files(wanted.where);
      const localFile = await this.#lease.open(path, files);
      const sql = tableSql({ path, snapshot, localFile, ...wanted }, files);
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
    const writer = { ...this.#parts, connection: this.#connection };
    return wrapErrors({ table }, () =>
      this.#writes.prepare(table, (target) => this.#retried(() => writeFiles(writer, target, sql))),
    );
  }

  async commit(write: PreparedWrite, batch: BatchId, mode: WriteMode): Promise<WriteResult> {
    return wrapErrors({ table: write.table, batch: batch.version }, () =>
      this.#writes.commit(write, batch, mode),
    );
  }

  async close(): Promise<void> {
    this.#connection.disconnectSync();
    for (const records of this.#logRelations) await records.close();
    await this.#writes.close();
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

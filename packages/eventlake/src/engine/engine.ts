import type { Predicate } from '@eventlake/delta';
import type { OffsetRange } from '../log/event-log.js';
import type { ColumnDefinition, EventDefinition, TableDefinition } from '../schema/definition.js';

/**
 * The engine turns ranges of the log and versions of tables into rows, and rows into commits.
 * Embedded it is DuckDB with the Delta log of @eventlake/delta, outgrown it is Apache Spark;
 * `test/contracts/engine.ts` is what both must pass.
 *
 * SQL given to it stays in the subset that both run. Relations are named without dots.
 */
export interface Engine {
  readonly name: 'duckdb' | 'spark';
  /** Makes the table, or adds to the one that is there the columns that are new. Refuses what only `apply` may do. */
  createTable(table: TableDefinition): Promise<void>;
  /** What is committed now. */
  tableState(table: string, appId?: string): Promise<TableState>;
  /**
   * One step of putting small files together, the oldest first, where a partition has many of them; its rows, and what
   * readers see, stay the same. A step writes at most about one file of the target size. Appends go on meanwhile.
   */
  compact(table: string, options: CompactOptions): Promise<CompactResult>;
  /** All of it at once: every small file, however many steps `compact` would take. */
  optimize(table: string, options: { targetBytes: number }): Promise<CompactResult>;
  /** A scope for relations; whatever it made is gone when it is closed. Closing is the caller's. */
  open(): Promise<EngineSession>;
  close(): Promise<void>;
}

export interface TableState {
  version: number;
  /** The position of `appId` in this table: see planned batches. */
  txnVersion: number | undefined;
  recordCount: number;
  fileCount: number;
  sizeBytes: number;
}

export interface CompactOptions {
  /** Size of the files that are to come out in the end. */
  targetBytes: number;
  /** So many small files of about one size are left alone. */
  minFiles: number;
}

export interface CompactResult {
  /** `conflict`: another writer removed one of the files meanwhile, and nothing has happened. */
  status: 'compacted' | 'nothing-to-do' | 'conflict';
  filesRemoved: number;
  filesAdded: number;
}

export interface EngineSession {
  /**
   * Names the records of exactly these ranges, parsed strictly. Columns: `log_partition` INT, `log_offset` BIGINT,
   * `log_timestamp` TIMESTAMP (UTC), `raw` BINARY (only where `parse_error` is set), `parse_error` STRING, the event's
   * fields as STRING as they came, `rescued` STRING (the unknown fields as a JSON object, or null).
   * One row a record, always: what is not one JSON object (broken, scalar, array, duplicate keys, anything after the
   * object, invalid UTF-8, empty, a tombstone) has `parse_error` and its bytes.
   */
  readLog(
    relation: string,
    event: EventDefinition,
    ranges: readonly OffsetRange[],
  ): Promise<{ records: number; bytes: number }>;

  /**
   * Names a table's rows, at `version` or the newest. `where` prunes files by statistics and partitions, then filters
   * rows: every row that meets it, no other.
   */
  readTable(
    relation: string,
    table: string,
    options?: { version?: number; where?: Predicate; columns?: readonly string[] },
  ): Promise<{ version: number }>;

  /** Names a query. `materialize` computes it once (bounded by memory and spill), for several uses. */
  define(relation: string, sql: string, options?: { materialize?: boolean }): Promise<void>;

  /** Rows of a small result as objects: BIGINT as number where exact (else bigint), timestamps as ISO 8601 in UTC, microseconds. */
  query<Row extends object = Record<string, unknown>>(sql: string): Promise<Row[]>;

  /** The values of a query's one BIGINT column, which holds no null: 8 bytes a row, and no object. */
  longs(sql: string): Promise<BigInt64Array>;

  /**
   * Computes the query and prepares its rows as files for `table`. Nothing is visible yet. Separate from the commit,
   * so that a batch can compute everything before the first of its commits.
   */
  prepare(table: string, sql: string): Promise<PreparedWrite>;

  /** Commits a prepared write under the batch's pair; skipped where the table has that batch. */
  commit(write: PreparedWrite, batch: BatchId, mode: WriteMode): Promise<WriteResult>;

  close(): Promise<void>;
}

export type WriteMode = 'append' | 'overwrite';

/** The pair that makes a repeated batch harmless: a Delta `txn`. */
export interface BatchId {
  /** `<job>/<topic>`. */
  appId: string;
  /** The batch's number; commits land only over a smaller one. */
  version: number;
}

export interface PreparedWrite {
  table: string;
  rows: number;
  bytes: number;
}

export interface WriteResult {
  /** `skipped`: the table had this batch already. */
  status: 'committed' | 'skipped';
  version: number;
  rows: number;
}

export type { ColumnDefinition };

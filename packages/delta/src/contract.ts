import type {
  AddCdcFile,
  AddFile,
  CommitInfo,
  DomainMetadata,
  Metadata,
  Protocol,
  RemoveFile,
  SetTransaction,
} from './actions.js';
import type { Changes, ChangesOptions } from './rows/change-feed.js';
import type { Scan, ScanOptions } from './rows/scan.js';
import type { Row } from './rows/values.js';
import type { PrimitiveType, StructField, StructType } from './schema.js';
import type {
  DeleteOptions,
  MergeOptions,
  OverwriteOptions,
  Rows,
  UpdateOptions,
  WriteOptions,
  WriteResult,
} from './writing/contract.js';

/** One version of a table: what is in it, and what it is. Immutable. */
export interface Snapshot {
  readonly version: number;
  /** When the version was committed, milliseconds since 1970 (in-commit timestamp where the table has them). */
  readonly timestampMs: number;
  readonly protocol: Protocol;
  readonly metadata: Metadata;
  readonly schema: StructType;
  readonly partitionColumns: readonly string[];
  /** The live files: all, or those that may hold a row for which `where` is true. Never fewer. */
  files(where?: Predicate): readonly AddFile[];
  readonly fileCount: number;
  readonly sizeBytes: number;
  /** The sum of the files' exact record counts less deletion vectors; undefined where one has no statistics. */
  readonly recordCount: number | undefined;
  /** The application's last committed version: its position. */
  txn(appId: string): number | undefined;
  readonly txns: ReadonlyMap<string, SetTransaction>;
  readonly domains: ReadonlyMap<string, DomainMetadata>;
}

/** A literal as JavaScript has it: dates and timestamps as Date or ISO 8601 text, longs as number or bigint. */
export type Literal = string | number | bigint | boolean | Date | null;

/** What pruning and replace-where understand: conjunctions of comparisons on columns. */
export type Predicate =
  | { and: Predicate[] }
  | { or: Predicate[] }
  | { not: Predicate }
  | { column: string; op: '=' | '!=' | '<' | '<=' | '>' | '>='; value: Literal }
  | { column: string; op: 'in'; values: Literal[] }
  | { column: string; op: 'is null' | 'is not null' };

/** What one commit wants to do. Files are written before; this names them. */
export interface Change {
  /** The protocol's operation name for the history: `WRITE`, `MERGE`, `OPTIMIZE`, `DELETE` … */
  operation: string;
  operationParameters?: Record<string, unknown>;
  operationMetrics?: Record<string, string>;
  add?: readonly AddFile[];
  /** Files of the snapshot that was read, to be removed by path and deletion vector. */
  remove?: readonly (RemoveFile | AddFile)[];
  /** Change data files of the same change, where the table has a change data feed. */
  cdc?: readonly AddCdcFile[];
  metadata?: Metadata;
  protocol?: Protocol;
  domains?: readonly DomainMetadata[];
  /**
   * The caller's position. The commit lands only over a smaller version of the same `appId` (or over exactly
   * `expected`, where given), and is `already-committed` where the table has this version or a later one.
   */
  txn?: { appId: string; version: number; expected?: number | null };
  /** The version that the change was computed from; undefined for a blind append. */
  readVersion?: number;
  /** What of that version was read, for conflict detection: everything (default), nothing, or what matches. */
  read?: 'all' | 'none' | Predicate;
  /** Removes and adds hold the same rows (compaction): sets dataChange false, and never conflicts with appends. */
  rearrangesOnly?: boolean;
  /** The caller has checked each added row against the table's CHECK constraints and invariants. */
  rowsChecked?: boolean;
  userMetadata?: string;
}

/** An expected outcome is a value: only what nobody can expect is thrown. */
export type CommitResult =
  | { status: 'committed'; version: number; attempts: number }
  | { status: 'already-committed'; version: number }
  | { status: 'conflict'; version: number; reason: string };

export interface TableInit {
  schema: StructType;
  partitionBy?: readonly string[];
  /** Table properties: `delta.checkpointInterval`, `delta.deletedFileRetentionDuration` … */
  properties?: Record<string, string>;
  name?: string;
  description?: string;
}

export interface HistoryEntry extends CommitInfo {
  version: number;
}

/**
 * A Delta table. Opening reads nothing but the log's listing; `snapshot()` goes on from the version it last held,
 * so a loop that commits every second reads one small file each time.
 */
export interface Table {
  /** Relative to the store's root. */
  readonly path: string;
  /** The newest snapshot, or the one at a version or time. @throws DeltaError where there is none. */
  snapshot(at?: { version: number } | { timestampMs: number }): Promise<Snapshot>;
  /** Rows of the newest version, or of the one asked for. Nothing is read before the first row is asked for. */
  scan(options?: ScanOptions): Scan;
  /** What was inserted, deleted and updated, version by version, where the table has `delta.enableChangeDataFeed`. */
  changes(options: ChangesOptions): Changes;
  /** Adds rows. They are read once, checked one by one, and visible all together or not at all. */
  append(rows: Rows | EngineQuery, options?: WriteOptions): Promise<WriteResult>;
  /** Puts rows in the place of all rows, or of those for which `where` is true. */
  overwrite(rows: Rows | EngineQuery, options?: OverwriteOptions): Promise<WriteResult>;
  /** Deletes the rows for which `where` is true. */
  delete(options: DeleteOptions): Promise<WriteResult>;
  /** Gives the rows for which `where` is true other values. */
  update(options: UpdateOptions): Promise<WriteResult>;
  /** Updates the rows that have the key of a new row, and adds the new rows whose key is not there. */
  merge(rows: Rows | EngineQuery, options: MergeOptions): Promise<WriteResult>;
  commit(change: Change): Promise<CommitResult>;
  checkpoint(): Promise<{ version: number }>;
  /** Removes log files that no version within `delta.logRetentionDuration` needs. */
  cleanLog(): Promise<{ removed: number }>;
  /** Deletes files that no version within the retention needs. Refuses less than the safety floor unless told. */
  vacuum(options?: VacuumOptions): Promise<{ files: string[]; sizeBytes: number }>;
  /** Puts small files together. Appends go on meanwhile; what loses against a delete is `conflict`. */
  optimize(options?: OptimizeOptions): Promise<OptimizeResult>;
  /** Makes the table what it was. @throws DeltaError of kind `no-such-version` where its files are gone. */
  restore(to: { version: number } | { timestampMs: number }): Promise<{ version: number }>;
  /** Sets table properties; null takes one away. */
  setProperties(properties: Record<string, string | null>): Promise<{ version: number }>;
  /** Adds a nullable column, or a field in the struct `parent` (`a.b`). */
  addColumn(field: StructField, parent?: string): Promise<{ version: number }>;
  /** Makes a column's type wider, where the table has `delta.enableTypeWidening`. */
  widenColumn(column: string, toType: PrimitiveType): Promise<{ version: number }>;
  history(options?: { limit?: number }): Promise<HistoryEntry[]>;
  /** What the table is at its newest version. */
  describe(): Promise<TableDescription>;
}

export interface TableDescription {
  format: 'delta';
  id: string;
  name?: string;
  description?: string;
  /** The table's folder, as a URL. */
  location: string;
  createdAt?: Date;
  lastModified: Date;
  version: number;
  partitionColumns: string[];
  numFiles: number;
  /** Undefined where a file has no statistics. */
  numRecords: number | undefined;
  sizeInBytes: number;
  properties: Record<string, string>;
  minReaderVersion: number;
  minWriterVersion: number;
  /** What readers or writers have to know, by the protocol's names. */
  tableFeatures: string[];
}

export interface VacuumOptions {
  /** Files that were removed from the table less than this ago stay. Default `delta.deletedFileRetentionDuration`. */
  retentionHours?: number;
  /** Only say what would be deleted. */
  dryRun?: boolean;
  /** Allow less than the table's own retention: readers of older versions, and writers under way, lose their files. */
  belowSafetyFloor?: boolean;
}

export interface CompactionOptions {
  /** Files are put together up to this size. */
  targetBytes: number;
  /** A group of fewer files is left alone. Default 2. */
  minFiles?: number;
  /** Only files that may hold such rows. */
  where?: Predicate;
  /** Groups are left for the next time once these many bytes are to be written. Default 8 GiB. */
  maxBytes?: number;
}

export interface OptimizeOptions extends Partial<CompactionOptions> {
  /** What reads and writes the rows; the table's engine, or this package's own Parquet code, where not given. */
  engine?: DataEngine;
  /** Sorts the rows of each new file by these columns, so that its statistics say more. */
  sortBy?: readonly string[];
  txn?: Change['txn'];
}

/** Files of one partition that become one (or as many as the engine writes). */
export interface CompactionGroup {
  partitionValues: Record<string, string | null>;
  files: AddFile[];
  sizeBytes: number;
}

/** Rows that an engine has, as a query in its own language. For tables that were opened with an engine. */
export interface EngineQuery {
  sql: string;
}

/**
 * What reads and writes rows for this package: DuckDB, Spark, or our own Parquet code. Files that it writes are durable
 * when it returns, with exact statistics; nothing is visible yet. Their paths are relative to the table and URL-encoded.
 */
export interface DataEngine {
  /** Writes the live rows of a group's files as new files of the same partition. */
  rewrite(
    table: Table,
    snapshot: Snapshot,
    group: CompactionGroup,
    options: { sortBy?: readonly string[]; deletedRows: DeletedRows },
  ): Promise<AddFile[]>;
  /** Rows of a version, as `table.scan` gives them. Undefined where it cannot read such a table: then we do. */
  scan?(
    table: Table,
    snapshot: Snapshot,
    options: { columns?: readonly string[]; where?: Predicate; deletedRows: DeletedRows },
  ): AsyncIterable<Row[]> | undefined;
  /** Writes the rows of a query. */
  write?(table: Table, snapshot: Snapshot, query: EngineQuery): Promise<AddFile[]>;
  /** Finds the live rows that have the key of a row of the query, and writes what comes in their place. */
  merge?(table: Table, snapshot: Snapshot, merge: EngineMerge): Promise<EngineMerged>;
}

/** The positions of a file's rows that its deletion vector deletes. */
export type DeletedRows = (file: AddFile) => Promise<Iterable<number>>;

export interface EngineMerge {
  query: EngineQuery;
  /** No two rows of the query may have the same values in them; a null matches nothing. */
  on: readonly string[];
  whenMatched: 'update' | 'delete' | 'ignore';
  whenNotMatched: 'insert' | 'ignore';
  deletedRows: DeletedRows;
  /** Matched rows are deleted by vectors. Else their files go, and their other rows have to be written anew. */
  byVectors: boolean;
}

export interface EngineMerged {
  add: AddFile[];
  /** Files with matched rows, and which they are by position; `rowCount` counts all rows of the file. */
  touched: { file: AddFile; rows: Iterable<number>; rowCount: number }[];
  rowsInserted: number;
  rowsUpdated: number;
  rowsDeleted: number;
}

export interface OptimizeResult {
  status: CommitResult['status'] | 'nothing-to-do';
  version: number;
  filesRemoved: number;
  filesAdded: number;
}

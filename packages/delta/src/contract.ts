import type {
  AddFile,
  CommitInfo,
  DomainMetadata,
  Metadata,
  Protocol,
  RemoveFile,
  SetTransaction,
} from './actions.js';
import type { Scan, ScanOptions } from './rows/scan.js';
import type { StructType } from './schema.js';

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
  commit(change: Change): Promise<CommitResult>;
  checkpoint(): Promise<{ version: number }>;
  /** Removes log files that no version within `delta.logRetentionDuration` needs. */
  cleanLog(): Promise<{ removed: number }>;
  /** Deletes files that no version within the retention needs. Refuses less than the safety floor unless told. */
  vacuum(options?: {
    retentionHours?: number;
    dryRun?: boolean;
    belowSafetyFloor?: boolean;
  }): Promise<{ files: string[]; sizeBytes: number }>;
  history(options?: { limit?: number }): Promise<HistoryEntry[]>;
}

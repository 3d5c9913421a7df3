import { Queue } from './bounded.js';
import { addColumn, setProperties, widenColumn } from './changes/metadata.js';
import { restoreTo } from './changes/restore.js';
import { writeCheckpoint } from './checkpoint/write.js';
import { type CommitContext, commitChange } from './commit/commit.js';
import type {
  Change,
  CommitResult,
  DataEngine,
  EngineQuery,
  HistoryEntry,
  OptimizeOptions,
  OptimizeResult,
  Snapshot,
  Table,
  TableDescription,
  VacuumOptions,
} from './contract.js';
import { DeltaError } from './errors.js';
import type { Commit } from './log/commit-file.js';
import { checkWritable } from './log/features.js';
import { followState, type HeldState, loadState } from './log/reader.js';
import type { LogState } from './log/replay.js';
import { versionAt } from './log/time.js';
import { cleanLog } from './maintenance/clean-log.js';
import { describe } from './maintenance/describe.js';
import { readHistory } from './maintenance/history.js';
import { optimize } from './maintenance/optimize.js';
import { checkFilesThere } from './maintenance/restore.js';
import { vacuumTable } from './maintenance/vacuum.js';
import { checkpointInterval, isOff } from './properties.js';
import { type Changes, type ChangesOptions, readChanges } from './rows/change-feed.js';
import { type Scan, type ScanOptions, scan } from './rows/scan.js';
import type { PrimitiveType, StructField } from './schema.js';
import { snapshotOf } from './snapshot.js';
import { checkStorePath } from './store/path.js';
import type { Store } from './store.js';
import type {
  DeleteOptions,
  MergeOptions,
  OverwriteOptions,
  Rows,
  UpdateOptions,
  WriteOptions,
  WriteResult,
} from './writing/contract.js';
import { ownEngine } from './writing/engine.js';
import { deletedRowsOf, isQuery, mergeQuery, writeQuery } from './writing/engine-operations.js';
import { merge, readSource } from './writing/merge.js';
import { append, deleteWhere, type Operation, overwrite, update } from './writing/operations.js';
import type { WritePlace } from './writing/session.js';
import { write } from './writing/write.js';

export interface TableOptions {
  /** The clock of commits and retention, milliseconds since 1970. */
  nowMs?: () => number;
  /** How long a commit goes on while other writers keep winning. */
  commitTimeoutMs?: number;
  /** Told what went wrong with the checkpoint or the cleaning after a commit; the commit itself has landed. */
  onMaintenanceError?: (error: unknown) => void;
  /**
   * Where the machine was that wrote partition timestamps without a zone: an IANA name, `America/Los_Angeles`. UTC
   * where not given; the log does not tell.
   */
  partitionTimeZone?: string;
  /** Files that a V2 checkpoint holds by itself; with more of them it has sidecars of so many. Default 50,000. */
  sidecarActionsMax?: number;
  /** What reads and writes rows instead of this package's own Parquet code. */
  engine?: DataEngine;
  /** Who writes, for the history. */
  engineInfo?: string;
}

/** How often a change is computed anew because another writer was faster. */
const REBUILDS_MAX = 20;
const COMMIT_TIMEOUT_MS = 60_000;
const ENGINE_INFO = '@eventlake/delta/0.1.0';

/**
 * Opens the table at a path of the store; the empty path is the store's root.
 * @throws DeltaError of kind `not-a-table` where there is none.
 */
export async function openTable(store: Store, path: string, options: TableOptions = {}): Promise<Table> {
  if (path !== '') checkStorePath(path);
  const table = new LogTable(store, path, options);
  await table.snapshot();
  return table;
}

class LogTable implements Table {
  private held: HeldState | undefined;
  private heldAtMs = 0;
  /** Others write as well, so that an old look at the log is not worth a try. */
  private isContended = false;
  private latest: { state: LogState; snapshot: Snapshot } | undefined;
  /** One look at the log after the other: a call sees every commit that landed before it was made. */
  private readonly reads = new Queue();
  /** One commit of this object after the other, so that they do not race each other. */
  private readonly commits = new Queue();

  constructor(
    private readonly store: Store,
    readonly path: string,
    private readonly options: TableOptions,
  ) {}

  async snapshot(at?: { version: number } | { timestampMs: number }): Promise<Snapshot> {
    if (at === undefined) {
      const { state } = await this.refresh();
      if (this.latest?.state !== state) this.latest = { state, snapshot: snapshotOf(state, this.path) };
      return this.latest.snapshot;
    }
    const version = 'version' in at ? at.version : await this.versionAt(at.timestampMs);
    if (!Number.isSafeInteger(version) || version < 0) {
      throw new DeltaError('no-such-version', `There is no version ${version}`, { table: this.path });
    }
    const { state } = await loadState(this.store, this.path, version);
    return snapshotOf(state, this.path);
  }

  scan(options: ScanOptions = {}): Scan {
    const { version, timestampMs } = options;
    const at = version !== undefined ? { version } : timestampMs !== undefined ? { timestampMs } : undefined;
    const { engine } = this.options;
    const byEngine = engine?.scan
      ? (snapshot: Snapshot) => {
          const deletedRows = deletedRowsOf(this.place(), snapshot);
          return engine.scan?.(this, snapshot, { ...options, deletedRows });
        }
      : undefined;
    return scan(this.place(), () => this.snapshot(at), options, byEngine);
  }

  changes(options: ChangesOptions): Changes {
    return readChanges({ ...this.place(), snapshot: (at) => this.snapshot(at) }, options);
  }

  async commit(change: Change): Promise<CommitResult> {
    const result = await this.commits.run(() => commitChange(this.commitContext(), change));
    this.isContended = result.status === 'conflict' || (result.status === 'committed' && result.attempts > 1);
    if (result.status === 'committed') await this.checkpointIfDue(result.version);
    return result;
  }

  async append(rows: Rows | EngineQuery, options: WriteOptions = {}): Promise<WriteResult> {
    if (isQuery(rows))
      return write(this, options, (snapshot) => this.query(snapshot, rows, 'Append', options));
    return write(this, options, (snapshot) => append(this.place(), snapshot, rows, options));
  }

  async overwrite(rows: Rows | EngineQuery, options: OverwriteOptions = {}): Promise<WriteResult> {
    if (isQuery(rows))
      return write(this, options, (snapshot) => this.query(snapshot, rows, 'Overwrite', options));
    return write(this, options, (snapshot) => overwrite(this.place(), snapshot, rows, options));
  }

  async delete(options: DeleteOptions): Promise<WriteResult> {
    return write(this, options, async () => (snapshot) => deleteWhere(this.place(), snapshot, options));
  }

  async update(options: UpdateOptions): Promise<WriteResult> {
    return write(this, options, async () => (snapshot) => update(this.place(), snapshot, options));
  }

  async merge(rows: Rows | EngineQuery, options: MergeOptions): Promise<WriteResult> {
    const { engine } = this.options;
    if (isQuery(rows)) {
      return write(this, options, async () => (snapshot) => {
        return mergeQuery(this, engine, this.place(), snapshot, rows, options);
      });
    }
    return write(this, options, async () => {
      const source = await readSource(rows);
      return (snapshot) => merge(this.place(), snapshot, source, options);
    });
  }

  async checkpoint(): Promise<{ version: number }> {
    const { state } = await this.refresh();
    checkWritable(state.protocol, state.metadata, this.path);
    return writeCheckpoint(this.store, this.path, state, this.nowMs(), this.options.sidecarActionsMax);
  }

  async cleanLog(): Promise<{ removed: number }> {
    const { state } = await this.refresh();
    checkWritable(state.protocol, state.metadata, this.path);
    return cleanLog(this.store, this.path, state, this.nowMs());
  }

  async vacuum(options?: VacuumOptions): Promise<{ files: string[]; sizeBytes: number }> {
    const newest = async (): Promise<LogState> => {
      const { state } = await this.refresh();
      checkWritable(state.protocol, state.metadata, this.path);
      return state;
    };
    return vacuumTable(this.store, this.path, newest, this.nowMs(), options);
  }

  async history(options: { limit?: number } = {}): Promise<HistoryEntry[]> {
    return readHistory(this.store, this.path, options.limit);
  }

  async describe(): Promise<TableDescription> {
    const { url } = this.store;
    return describe(await this.snapshot(), this.path === '' ? url : `${url.replace(/\/$/, '')}/${this.path}`);
  }

  async optimize({ engine, ...options }: OptimizeOptions = {}): Promise<OptimizeResult> {
    const chosen = engine ?? this.options.engine ?? ownEngine(this.place());
    return optimize(this, chosen, (snapshot) => deletedRowsOf(this.place(), snapshot), options);
  }

  async restore(to: { version: number } | { timestampMs: number }): Promise<{ version: number }> {
    const target = await this.snapshot(to);
    return this.commitFrom(async (current) => {
      const change = restoreTo(current, target);
      await checkFilesThere(this.store, this.path, target, change.add ?? []);
      return change;
    });
  }

  async setProperties(properties: Record<string, string | null>): Promise<{ version: number }> {
    return this.commitFrom((snapshot) => setProperties(snapshot, properties));
  }

  async addColumn(field: StructField, parent?: string): Promise<{ version: number }> {
    return this.commitFrom((snapshot) => addColumn(snapshot, field, parent));
  }

  async widenColumn(column: string, toType: PrimitiveType): Promise<{ version: number }> {
    return this.commitFrom((snapshot) => widenColumn(snapshot, column, toType));
  }

  private query(
    snapshot: Snapshot,
    query: EngineQuery,
    mode: 'Append' | 'Overwrite',
    options: OverwriteOptions,
  ): Promise<Operation> {
    return writeQuery(this, this.options.engine, snapshot, query, mode, options);
  }

  /** For changes that are as right on the next version: whoever loses computes anew. */
  private async commitFrom(
    build: (snapshot: Snapshot) => Change | Promise<Change>,
  ): Promise<{ version: number }> {
    for (let attempts = 1; ; attempts++) {
      const result = await this.commit(await build(await this.snapshot()));
      if (result.status !== 'conflict') return { version: result.version };
      if (attempts === REBUILDS_MAX) {
        throw new DeltaError('contention', `Lost ${attempts} times: ${result.reason}`, { table: this.path });
      }
    }
  }

  private async versionAt(timestampMs: number): Promise<number> {
    const { state } = await this.refresh();
    return versionAt(this.store, this.path, state, timestampMs);
  }

  private place(): WritePlace {
    const { partitionTimeZone } = this.options;
    return { store: this.store, table: this.path, partitionTimeZone, nowMs: () => this.nowMs() };
  }

  private commitContext(): CommitContext {
    return {
      store: this.store,
      table: this.path,
      refresh: () => this.refresh(),
      ...(this.held && !this.isContended && { lastLook: { state: this.held.state, atMs: this.heldAtMs } }),
      nowMs: () => this.nowMs(),
      timeoutMs: this.options.commitTimeoutMs ?? COMMIT_TIMEOUT_MS,
      engineInfo: this.options.engineInfo ?? ENGINE_INFO,
    };
  }

  private nowMs(): number {
    return (this.options.nowMs ?? Date.now)();
  }

  /** The commit has landed, whatever happens here: the next one that is due makes up for what fails. */
  private async checkpointIfDue(version: number): Promise<void> {
    try {
      const properties = this.held?.state.metadata.configuration ?? {};
      if (version % checkpointInterval(properties) !== 0) return;
      await this.checkpoint();
      if (!isOff(properties, 'delta.enableExpiredLogCleanup')) await this.cleanLog();
    } catch (error) {
      this.options.onMaintenanceError?.(error);
    }
  }

  /** The newest state; `commits` are those since the state held before, none where it had to be loaded anew. */
  private refresh(): Promise<{ state: LogState; commits: readonly Commit[] }> {
    return this.reads.run(async () => {
      const lookedAtMs = Date.now();
      const followed = this.held && (await followState(this.store, this.path, this.held, this.heldAtMs));
      this.held = followed ? followed.held : await loadState(this.store, this.path);
      this.heldAtMs = lookedAtMs;
      return { state: this.held.state, commits: followed?.commits ?? [] };
    });
  }
}

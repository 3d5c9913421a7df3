import { DeltaError, openTable, type Predicate, type Snapshot, StoreError } from '@eventlake/delta';
import type { EngineSession } from '../engine/engine.js';
import type { JobContext } from '../jobs/job.js';

/** Records that are parsed at a time. */
export const RECORDS_AT_ONCE = 500_000;

/** Counts rows of tables with as little reading as can be. One session; every relation gets a name of its own. */
export class Counting {
  #relations = 0;

  constructor(
    readonly context: JobContext,
    readonly session: EngineSession,
  ) {}

  /** Counts in a session of its own, so that what it holds is let go before the next part. */
  part<T>(work: (counting: Counting) => Promise<T>): Promise<T> {
    return inSession(this.context, work);
  }

  name(prefix: string): string {
    this.#relations += 1;
    return `${prefix}_${this.#relations}`;
  }

  /** The table's newest version, and its rows as statistics have them. */
  async state(table: string): Promise<{ version: number; rows: number }> {
    const { version, recordCount: rows } = await this.context.engine.tableState(table);
    return { version, rows };
  }

  /**
   * The rows with `log_batch <= upTo`: all rows by the statistics, less those beyond, which lie in few files.
   * What a job has begun to commit, or has committed since, is beyond.
   */
  async rowsUpTo(table: string, upTo: number): Promise<{ version: number; rows: number }> {
    const { version, rows } = await this.state(table);
    const beyond = await this.count(table, { column: 'log_batch', op: '>', value: upTo }, version);
    return { version, rows: rows - beyond };
  }

  async count(table: string, where: Predicate, version?: number): Promise<number> {
    const relation = this.name('counted');
    await this.session.readTable(relation, table, { where, ...(version === undefined ? {} : { version }) });
    return this.one(`SELECT count(*) AS n FROM ${relation}`);
  }

  /** The one number of a query, named `n`; 0 for null. */
  async one(sql: string): Promise<number> {
    const [row] = await this.session.query<{ n: number | null }>(sql);
    return row?.n ?? 0;
  }

  /** The newest version that `appId` had committed nothing after `batch` to; undefined where it is gone. */
  async asOf(table: string, appId: string, batch: number): Promise<Snapshot | undefined> {
    const opened = await openTable(this.context.store, table.replace('.', '/'));
    let snapshot = await opened.snapshot();
    while ((snapshot.txn(appId) ?? 0) > batch) {
      try {
        snapshot = await opened.snapshot({ version: snapshot.version - 1 });
      } catch (error) {
        if (isGone(error)) return undefined;
        throw error;
      }
    }
    return snapshot;
  }
}

export async function inSession<T>(
  context: JobContext,
  work: (counting: Counting) => Promise<T>,
): Promise<T> {
  const session = await context.engine.open();
  try {
    return await work(new Counting(context, session));
  } finally {
    await session.close();
  }
}

/** Rows where the column is not null, by the files' statistics; undefined where one has none for it. */
export function presentRows(snapshot: Snapshot, column: string): number | undefined {
  let rows = 0;
  for (const { stats, deletionVector } of snapshot.files()) {
    if (stats === undefined || deletionVector) return undefined;
    const { numRecords, nullCount } = JSON.parse(stats) as {
      numRecords?: number;
      nullCount?: Record<string, number>;
    };
    const nulls = nullCount?.[column];
    if (numRecords === undefined || nulls === undefined) return undefined;
    rows += numRecords - nulls;
  }
  return rows;
}

function isGone(error: unknown): boolean {
  if (error instanceof DeltaError) return error.kind === 'no-such-version';
  return error instanceof StoreError && error.kind === 'not-found';
}

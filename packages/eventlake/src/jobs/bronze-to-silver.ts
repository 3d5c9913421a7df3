import { PLANS_KEPT, type Plan } from '../batch/plan.js';
import { openPlanStore } from '../batch/plan-store.js';
import type { BatchId, EngineSession, PreparedWrite, WriteMode } from '../engine/engine.js';
import { EventlakeError } from '../errors.js';
import { bronzeTables, silverTables } from '../schema/tables.js';
import { batchesOfRows } from './batch-bounds.js';
import type { BatchReport, Job, JobContext } from './job.js';
import { type IdSetSizes, knownIds } from './known-ids.js';
import { maintenance } from './maintenance.js';
import { newPlan } from './planning.js';
import { withinBatches } from './predicates.js';
import { refuseSetBack } from './set-back.js';
import { bufferedSilverRows, type SilverRows, streamedSilverRows } from './silver-rows.js';

/** What batch N of bronze-to-silver computes: bronze's rows with `fromLogBatch < log_batch <= toLogBatch`. */
export interface SilverInput {
  fromLogBatch: number;
  toLogBatch: number;
  /** merge: these rows are new; overwrite: they are all rows that silver shall have. */
  mode: 'merge' | 'overwrite';
  /** The newest batch in mode overwrite, 0 for none. */
  epoch: number;
  /** For people: the rows are the same in every later version. */
  bronzeVersion: number;
}

export interface BronzeToSilverOptions {
  /** The first batch makes silver anew from all of bronze, whatever the mode. The tables come out the same. */
  fullRefresh?: boolean;
  /** How many ids of silver go into one set of its index. */
  idSetSizes?: IdSetSizes;
}

/** A backlog larger than this is merged in several batches, so that the checked rows fit into memory: a cluster's is larger. */
const BATCH_ROWS_MAX = { duckdb: 500_000, spark: 5_000_000 };

/**
 * Bronze → silver: rejects what is not valid, keeps the first landed of each id, types the rest. Silver only appends.
 *
 * Commits quarantine, duplicates, silver; silver's `txn` is the position. The next plan follows the last one's
 * `toLogBatch`, since what landed has a number that never changes: compaction and versions of bronze do not matter.
 */
export function bronzeToSilver(context: JobContext, options: BronzeToSilverOptions = {}): Job {
  const { pipeline, engine, store, settings, crashPoint, signal } = context;
  const { topic } = pipeline.event;
  const bronze = bronzeTables(pipeline.event).events;
  const silver = silverTables(pipeline.event);
  const appId = `bronze-to-silver/${topic}`;
  const plans = openPlanStore<SilverInput>(store, 'bronze-to-silver', topic);
  const ids = knownIds(store, pipeline, options.idSetSizes);
  let newest: Plan<SilverInput> | undefined;
  const tidy = maintenance(context, Object.values(silver), Object.values(silver));
  let fullRefresh = options.fullRefresh ?? false;

  async function recover(): Promise<void> {
    for (const table of [bronze, ...Object.values(silver)]) await engine.createTable(table);
    newest = await plans.newest();
    const { txnVersion: committed = 0 } = await engine.tableState(silver.events.name, appId);
    const planned = newest?.batch ?? 0;
    if (committed < planned - 1 && settings.bronzeToSilver.mode === 'overwrite') fullRefresh = true;
    // Everything is in bronze: a silver that was set back is made whole by making it anew.
    if (committed < planned - 1 && fullRefresh) return;
    const heal = 'Run bronze-to-silver with --full-refresh: silver is made anew from bronze.';
    refuseSetBack('bronze-to-silver', silver.events.name, committed, planned, heal);
    if (!newest || committed === planned) return;
    await execute(newest, { isReplay: true });
  }

  async function runBatch(): Promise<BatchReport | undefined> {
    const next = await nextInput();
    if (!next) return undefined;
    const plan = newPlan(context, 'bronze-to-silver', newest?.batch, next.input);
    crashPoint('bronze-to-silver:before-plan');
    await plans.put(plan);
    newest = plan;
    crashPoint('bronze-to-silver:after-plan');
    const report = await execute(plan);
    fullRefresh = false;
    return { ...report, more: next.more };
  }

  async function nextInput(): Promise<{ input: SilverInput; more: boolean } | undefined> {
    const mode = fullRefresh ? 'overwrite' : settings.bronzeToSilver.mode;
    const { txnVersion: landed = 0, version } = await engine.tableState(bronze.name, `raw-landing/${topic}`);
    const from = newest?.input.toLogBatch ?? 0;
    if (landed <= (fullRefresh ? 0 : from)) return undefined;
    const epoch = newest?.input.epoch ?? 0;
    if (mode === 'overwrite') {
      const batch = (newest?.batch ?? 0) + 1;
      const input = { fromLogBatch: 0, toLogBatch: landed, mode, epoch: batch, bronzeVersion: version };
      return { input, more: false };
    }
    const bound = await withSession(async (session) => {
      await readBronze(session, from, landed, ['log_batch']);
      return batchesOfRows(session, 'bronze', BATCH_ROWS_MAX[engine.name]);
    });
    const toLogBatch = bound?.more ? bound.upTo : landed;
    return {
      input: { fromLogBatch: from, toLogBatch, mode, epoch, bronzeVersion: version },
      more: toLogBatch < landed,
    };
  }

  async function execute(plan: Plan<SilverInput>, { isReplay = false } = {}): Promise<BatchReport> {
    const startedMs = performance.now();
    const rows = await withSession(async (session) => {
      const { fromLogBatch, toLogBatch, mode } = plan.input;
      await readBronze(session, fromLogBatch, toLogBatch);
      return commit(
        session,
        plan,
        mode === 'merge' ? await merged(session, plan) : await rebuilt(session, plan),
        isReplay,
      );
    });
    await plans.forget(plan.batch - PLANS_KEPT);
    const durationMs = performance.now() - startedMs;
    return { job: 'bronze-to-silver', batch: plan.batch, ...rows, durationMs };
  }

  function merged(session: EngineSession, { plannedAt, input }: Plan<SilverInput>): Promise<SilverRows> {
    const position = { upTo: input.fromLogBatch, epoch: input.epoch };
    // On Spark a batch is large, and what is held of it is copied row by row: it streams.
    return engine.name === 'spark'
      ? streamedSilverRows(session, pipeline, plannedAt, () => ids.define(session, 'candidates', position))
      : bufferedSilverRows(session, pipeline, plannedAt, () => ids.define(session, 'valid', position));
  }

  function rebuilt(session: EngineSession, { plannedAt }: Plan<SilverInput>): Promise<SilverRows> {
    return streamedSilverRows(session, pipeline, plannedAt);
  }

  async function commit(
    session: EngineSession,
    { batch, input }: Plan<SilverInput>,
    rows: SilverRows,
    isReplay: boolean,
  ) {
    const id: BatchId = { appId, version: batch };
    const mode: WriteMode = input.mode === 'merge' ? 'append' : 'overwrite';
    signal.throwIfAborted();
    const quarantine = await session.prepare(silver.quarantine.name, rows.quarantine);
    const duplicates = await session.prepare(silver.duplicates.name, rows.duplicates);
    const events = await session.prepare(silver.events.name, rows.events);
    // A full refresh that is to come makes all three anew.
    if (isReplay && !fullRefresh) {
      for (const write of [quarantine, duplicates]) await refuseOtherRules(session, batch, input, write);
    }
    for (const [name, write] of Object.entries({ quarantine, duplicates })) {
      signal.throwIfAborted();
      // Nothing to append needs no commit: only the position, which is silver's, must move.
      if (mode === 'append' && write.rows === 0) continue;
      await session.commit(write, id, mode);
      crashPoint(`bronze-to-silver:after-${name}-commit`);
    }
    signal.throwIfAborted();
    await session.commit(events, id, mode);
    crashPoint('bronze-to-silver:after-commit');
    return { rowsIn: events.rows + duplicates.rows + quarantine.rows, rowsOut: events.rows };
  }

  /** What of a batch was set aside before a crash was decided by the rules of then: the rest must be by the same. */
  async function refuseOtherRules(
    session: EngineSession,
    batch: number,
    { fromLogBatch, toLogBatch }: SilverInput,
    { table, rows }: PreparedWrite,
  ): Promise<void> {
    const { txnVersion } = await engine.tableState(table, appId);
    if (txnVersion !== batch) return;
    const where = withinBatches(fromLogBatch, toLogBatch);
    await session.readTable('set_aside', table, { where, columns: ['log_batch'] });
    const [had] = await session.longs('SELECT count(*) AS n FROM set_aside');
    if (had === BigInt(rows)) return;
    throw new EventlakeError(
      'invalid',
      `${table} got ${had} rows of batch ${batch} before bronze-to-silver was broken off, and would get ${rows} now`,
      { job: 'bronze-to-silver', table, batch },
      'The declaration has changed meanwhile. Put the former one back until `eventlake run bronze-to-silver --once` is through; or run it with --full-refresh, which makes silver anew from bronze.',
    );
  }

  async function readBronze(session: EngineSession, from: number, to: number, columns?: string[]) {
    await session.readTable('bronze', bronze.name, {
      where: withinBatches(from, to),
      ...(columns ? { columns } : {}),
    });
  }

  async function maintain(): Promise<void> {
    if (!newest) return;
    const position = { upTo: newest.input.toLogBatch, epoch: newest.input.epoch };
    await withSession((session) => ids.index(session, position));
    crashPoint('bronze-to-silver:after-index');
    await tidy();
  }

  async function withSession<T>(work: (session: EngineSession) => Promise<T>): Promise<T> {
    const session = await engine.open();
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  }

  return { name: 'bronze-to-silver', recover, runBatch, maintain };
}

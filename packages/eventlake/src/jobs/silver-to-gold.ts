import { PLANS_KEPT, type Plan } from '../batch/plan.js';
import { openPlanStore } from '../batch/plan-store.js';
import type { BatchId, EngineSession } from '../engine/engine.js';
import { servingTables, silverTables } from '../schema/tables.js';
import { batchesOfRows } from './batch-bounds.js';
import type { SilverInput } from './bronze-to-silver.js';
import { FOLD_FILES_MAX, rollupsOf, setsAreBehind } from './gold-folds.js';
import { COMMIT_ORDER, commitOrder, type GoldInput, type GoldWrite, prepareGold } from './gold-tables.js';
import type { BatchReport, Job, JobContext } from './job.js';
import { maintenance } from './maintenance.js';
import { newPlan } from './planning.js';
import { withinBatches } from './predicates.js';
import { publishGold } from './publish.js';
import { refuseSetBack } from './set-back.js';

export interface SilverToGoldOptions {
  /** The first batch computes every table anew from all of silver. The tables come out the same. */
  fullRefresh?: boolean;
  /** Increments of a rollup are folded when they lie in more files than this. */
  foldFilesMax?: number;
}

/** A backlog larger than this goes to gold in several batches, so that memory does not grow with it. */
const BATCH_ROWS_MAX = 2_000_000;

/**
 * Silver → gold: facts are appended, rollups get increments, dimensions and KPIs are computed from the rollups, so that
 * a batch costs what is new and the number of distinct keys. Then the mirrors in ClickHouse are published.
 *
 * Commits rollups, sets, dimensions and KPIs, facts; the facts' `txn` is the position. Publishing follows the commit point, and
 * every start looks whether it has been done.
 */
export function silverToGold(context: JobContext, options: SilverToGoldOptions = {}): Job {
  const { pipeline, engine, store, crashPoint, signal } = context;
  const { topic } = pipeline.event;
  const silver = silverTables(pipeline.event).events;
  const tables = commitOrder(pipeline.gold);
  const main = tables.at(-1)!;
  const appId = `silver-to-gold/${topic}`;
  const plans = openPlanStore<GoldInput>(store, 'silver-to-gold', topic);
  const silverPlans = openPlanStore<SilverInput>(store, 'bronze-to-silver', topic);
  let newest: Plan<GoldInput> | undefined;
  const { foldFilesMax = FOLD_FILES_MAX } = options;
  let fullRefresh = options.fullRefresh ?? false;

  async function recover(): Promise<void> {
    for (const table of [silver, ...tables]) await engine.createTable(table);
    const served = servingTables(pipeline);
    if (served.length > 0) await (await context.serving()).ensure(served);
    newest = await plans.newest();
    const { txnVersion: committed = 0 } = await engine.tableState(main.name, appId);
    const planned = newest?.batch ?? 0;
    // A refresh makes a gold that was set back whole again.
    if (committed < planned - 1 && fullRefresh) return;
    const heal = 'Run silver-to-gold with --full-refresh: gold is made anew from silver.';
    refuseSetBack('silver-to-gold', main.name, committed, planned, heal);
    if (!newest) return;
    if (committed === planned) return publish(newest, { again: true });
    await execute(newest);
  }

  async function runBatch(): Promise<BatchReport | undefined> {
    const next = await nextInput();
    if (!next) return undefined;
    const plan = newPlan(context, 'silver-to-gold', newest?.batch, next.input);
    crashPoint('silver-to-gold:before-plan');
    await plans.put(plan);
    newest = plan;
    crashPoint('silver-to-gold:after-plan');
    const report = await execute(plan);
    fullRefresh = false;
    return { ...report, more: next.more };
  }

  async function nextInput(): Promise<{ input: GoldInput; more: boolean } | undefined> {
    const state = await engine.tableState(silver.name, `bronze-to-silver/${topic}`);
    if (state.txnVersion === undefined) return undefined;
    const position = (await silverPlans.get(state.txnVersion)).input;
    const last = newest?.input;
    const silverWasRewritten = last !== undefined && last.silverEpoch !== position.epoch;
    const isBehind =
      newest !== undefined && (await setsAreBehind(engine, pipeline.gold, appId, newest.batch));
    const mode = fullRefresh || silverWasRewritten || isBehind ? 'refresh' : 'increment';
    const fromLogBatch = mode === 'refresh' ? 0 : (last?.toLogBatch ?? 0);
    if (position.toLogBatch <= fromLogBatch) return undefined;
    const bound = mode === 'increment' ? await boundOf(fromLogBatch, position.toLogBatch) : undefined;
    const toLogBatch = bound?.more ? bound.upTo : position.toLogBatch;
    const rollups = await rollupsOf(engine, pipeline.gold, last, foldFilesMax);
    const input: GoldInput = {
      fromLogBatch,
      toLogBatch,
      mode,
      silverEpoch: position.epoch,
      silverVersion: state.version,
      ...rollups,
    };
    return { input, more: toLogBatch < position.toLogBatch };
  }

  async function boundOf(from: number, to: number) {
    const session = await engine.open();
    try {
      await session.readTable('events', silver.name, {
        where: withinBatches(from, to),
        columns: ['log_batch'],
      });
      return await batchesOfRows(session, 'events', BATCH_ROWS_MAX);
    } finally {
      await session.close();
    }
  }

  async function execute(plan: Plan<GoldInput>): Promise<BatchReport> {
    const startedMs = performance.now();
    const id: BatchId = { appId, version: plan.batch };
    const session = await engine.open();
    try {
      await session.readTable('events', silver.name, {
        where: withinBatches(plan.input.fromLogBatch, plan.input.toLogBatch),
      });
      const writes = await prepareGold({
        engine,
        session,
        gold: pipeline.gold,
        id,
        input: plan.input,
        signal,
      });
      // No increments need no commit: what must move is the position, which is the facts', and that of sets.
      const landing = writes.filter(
        ({ table, write, mode }) => mode === 'overwrite' || write.rows > 0 || table.grows !== 'rollup',
      );
      for (const grows of COMMIT_ORDER) {
        signal.throwIfAborted();
        await commitTogether(
          session,
          id,
          landing.filter(({ table }) => table.grows === grows),
          crashPoint,
        );
      }
      const rowsOut = landing.reduce((sum, { write }) => sum + write.rows, 0);
      crashPoint('silver-to-gold:after-commit');
      await publish(plan, { again: false });
      await plans.forget(plan.batch - PLANS_KEPT);
      const rowsIn = writes.at(-1)!.write.rows;
      return {
        job: 'silver-to-gold',
        batch: plan.batch,
        rowsIn,
        rowsOut,
        durationMs: performance.now() - startedMs,
      };
    } finally {
      await session.close();
    }
  }

  /** An instance that slept meanwhile must not leave older rows over those of the one that has gone on. */
  async function publish(plan: Plan<GoldInput>, options: { again: boolean }): Promise<void> {
    await publishGold(context, plan.plannedAt, options);
    crashPoint('silver-to-gold:after-publish');
    const last = await plans.newest();
    if (last && last.batch > plan.batch) await publish(last, { again: false });
  }

  // Rollups are folded and what is computed from them is replaced: facts and sets grow by small files.
  const growing = tables.filter(({ grows }) => grows === 'append' || grows === 'set');
  return { name: 'silver-to-gold', recover, runBatch, maintain: maintenance(context, tables, growing) };
}

/** Tables that do not stand on each other, at the same time: most of it is waiting for the disk. */
async function commitTogether(
  session: EngineSession,
  id: BatchId,
  writes: readonly GoldWrite[],
  crashPoint: JobContext['crashPoint'],
): Promise<void> {
  // Waited for to the last one: none must land behind the caller's back.
  const ended = await Promise.allSettled(
    writes.map(async ({ table, write, mode }) => {
      await session.commit(write, id, mode);
      crashPoint(`silver-to-gold:after-${table.name}-commit`);
    }),
  );
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
}

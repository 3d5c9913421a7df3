import type { Plan } from '../batch/plan.js';
import { openPlanStore } from '../batch/plan-store.js';
import type { EngineSession } from '../engine/engine.js';
import { EventlakeError } from '../errors.js';
import type { OffsetRange, TopicInfo } from '../log/event-log.js';
import {
  canBeLate,
  highestAfter,
  type LiveBounds,
  type LiveIncrement,
  liveBoundsSql,
  liveEventsSql,
  liveIncrementsSql,
  liveRows,
} from '../schema/sql.js';
import { liveTables } from '../schema/tables.js';
import { checkedSql } from '../schema/validation.js';
import type { BatchReport, JobContext, StreamingJob } from './job.js';
import { nextRanges } from './log-ranges.js';
import { newPlan, PLANS_KEPT } from './planning.js';

/** What batch N of fast-agg counts. */
export interface LiveInput {
  /** A topic that was made anew has another id, and other records at the same offsets. */
  topicId: string;
  ranges: OffsetRange[];
  /** Per partition, the highest valid event time before the batch, microseconds since 1970; null: none yet. */
  highestEventUs: (number | null)[];
  /** Per partition, the offset that the batch ends before. */
  position: number[];
  /** Per partition, the first offset that was ever counted. */
  start: number[];
}

/** A guess, until a batch has told. */
const RECORD_BYTES = 256;
const BATCH_RECORDS_MAX = 500_000;
/** An instance that was away for so long looks whether another has taken over, since tokens do not last for ever. */
const ZOMBIE_AFTER_MS = 30_000;
const FORGET_EVERY = 50;

/**
 * Log → ClickHouse `realtime`: counts the valid events of each minute as they come, and the late ones apart. What is
 * inserted is only ever new, so the tables' sums are exact at every moment.
 *
 * Each table gets one block a batch under the token `fast-agg/<topic>/<N>`: a replay inserts nothing twice. The position
 * is the newest plan, once all its blocks are in; every start replays that plan.
 */
export function fastAgg(context: JobContext): StreamingJob {
  const { pipeline, engine, log, store, settings, crashPoint, signal } = context;
  const { topic } = pipeline.event;
  const plans = openPlanStore<LiveInput>(store, 'fast-agg', topic);
  let newest: Plan<LiveInput> | undefined;
  let highest: (number | null)[] = [];
  let position: number[] = [];
  let recordBytes = RECORD_BYTES;

  async function recover(): Promise<void> {
    await (await context.serving()).ensure(liveTables(pipeline));
    const info = await log.topic(topic);
    newest = await plans.newest();
    if (newest) {
      refuseOtherTopic(info, newest);
      await execute(newest, performance.now() - ZOMBIE_AFTER_MS);
      return;
    }
    position = info.partitions.map(({ startOffset }) => startOffset);
    highest = position.map(() => null);
    // From here on, retention waits for this consumer.
    await log.commitPositions('fast-agg', topic, position);
  }

  async function runBatch(): Promise<BatchReport | undefined> {
    const info = await log.topic(topic);
    const recordsMax = Math.min(BATCH_RECORDS_MAX, Math.ceil(settings.fastAgg.commitBytesMax / recordBytes));
    const { ranges, more } = nextRanges(info.partitions, position, recordsMax);
    if (ranges.length === 0) return undefined;
    const after = [...position];
    for (const { partition, to } of ranges) after[partition] = to;
    const input: LiveInput = {
      topicId: info.topicId,
      ranges,
      highestEventUs: highest,
      position: after,
      start: newest?.input.start ?? position,
    };
    const plan = newPlan(context, 'fast-agg', newest?.batch, input);
    const plannedMs = performance.now();
    await plans.put(plan);
    newest = plan;
    crashPoint('fast-agg:after-plan');
    return { ...(await execute(plan, plannedMs)), more };
  }

  async function execute(plan: Plan<LiveInput>, plannedMs: number): Promise<BatchReport> {
    const startedMs = performance.now();
    const session = await engine.open();
    let counted: Awaited<ReturnType<typeof count>>;
    try {
      counted = await count(session, plan.input);
    } finally {
      await session.close();
    }
    signal.throwIfAborted();
    if (performance.now() - plannedMs >= ZOMBIE_AFTER_MS) await refuseZombie(plan);
    await insert(plan, counted.increments);
    position = plan.input.position;
    highest = counted.highest;
    await log.commitPositions('fast-agg', topic, position);
    crashPoint('fast-agg:after-position');
    if (plan.batch % FORGET_EVERY === 0) await plans.forget(plan.batch - PLANS_KEPT);
    const rowsOut = counted.increments.length;
    const late = counted.increments
      .filter((increment) => increment.live_table === pipeline.live.late.name)
      .reduce((total, increment) => total + Number(increment.event_count), 0);
    return {
      job: 'fast-agg',
      batch: plan.batch,
      rowsIn: counted.records,
      rowsOut,
      late,
      durationMs: performance.now() - startedMs,
    };
  }

  async function count(session: EngineSession, input: LiveInput) {
    const { records, bytes } = await session.readLog('records', pipeline.event, input.ranges);
    if (records > 0) recordBytes = Math.max(1, bytes / records);
    await session.define('checked', checkedSql(pipeline, 'records', ['log_partition', 'log_offset']));
    await session.define('live_events', liveEventsSql(pipeline, 'checked'), { materialize: true });
    const bounds = await session.query<LiveBounds>(liveBoundsSql('live_events'));
    const before = new Map(
      input.highestEventUs.flatMap((us, partition) => (us === null ? [] : [[partition, us]])),
    );
    const late = canBeLate(pipeline, before, bounds);
    const increments = await session.query<LiveIncrement>(
      liveIncrementsSql(pipeline, 'live_events', before, late),
    );
    const after = highestAfter(before, bounds);
    return {
      records,
      increments,
      highest: input.highestEventUs.map((_, partition) => after.get(partition) ?? null),
    };
  }

  async function insert(plan: Plan<LiveInput>, increments: readonly LiveIncrement[]): Promise<void> {
    const serving = await context.serving();
    // At once, since most of each is waiting for the disk; all have ended before a failure is thrown.
    const inserts = [...liveRows(pipeline, increments)].map(async ([table, rows]) => {
      await serving.insert(table, rows, `fast-agg/${topic}/${plan.batch}`);
      crashPoint(`fast-agg:after-${table}-insert`);
    });
    for (const { reason } of (await Promise.allSettled(inserts)).filter(isRejected)) throw reason;
  }

  async function refuseZombie(plan: Plan<LiveInput>): Promise<void> {
    const planned = await plans.newest();
    if (planned?.batch === plan.batch) return;
    throw new EventlakeError(
      'fenced',
      `Another instance of fast-agg has planned batch ${planned?.batch}`,
      { job: 'fast-agg', topic, batch: plan.batch },
      'One instance of a job works at a time. Stop one of them, or let this one stand by.',
    );
  }

  function refuseOtherTopic(info: TopicInfo, { batch, input }: Plan<LiveInput>): void {
    if (info.topicId === input.topicId) return;
    throw new EventlakeError(
      'data-loss',
      `Topic ${topic} was made anew since fast-agg counted its batch ${batch}`,
      { topic, job: 'fast-agg', batch },
      'The log was removed without the tables. `eventlake reset` begins anew with all of them.',
    );
  }

  return { name: 'fast-agg', recover, runBatch, maintain: async () => {}, position: () => position };
}

function isRejected(result: PromiseSettledResult<void>): result is PromiseRejectedResult {
  return result.status === 'rejected';
}

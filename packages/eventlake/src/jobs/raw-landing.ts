import { PLANS_KEPT, type Plan } from '../batch/plan.js';
import { openPlanStore } from '../batch/plan-store.js';
import type { EngineSession, PreparedWrite } from '../engine/engine.js';
import { EventlakeError } from '../errors.js';
import type { OffsetRange, TopicInfo } from '../log/event-log.js';
import { type Gap, gapsSql, knownGapsSql } from '../schema/gaps.js';
import { timestampLiteral } from '../schema/macros.js';
import { bronzeTables } from '../schema/tables.js';
import type { BatchReport, JobContext, StreamingJob } from './job.js';
import { beginning, commitPassed } from './log-positions.js';
import { nextRanges } from './log-ranges.js';
import { logRetention, maintenance } from './maintenance.js';
import { acceptLoss, goOn, type Passed, readableRanges } from './passed.js';
import { newPlan } from './planning.js';
import { withinBatches, withinRanges } from './predicates.js';

/** What batch N of raw-landing lands; `N` is its rows' `log_batch`. The position is the one after it. */
export interface LandingInput extends Passed {
  ranges: OffsetRange[];
  /** What could not be read any more when the batch was planned: before its ranges. */
  gaps?: Gap[];
}

/** A record is at least so long that more of them would take too long to replay, whatever their size. */
const BATCH_RECORDS_MAX = { duckdb: 1_000_000, spark: 5_000_000 };
const SAMPLE_BYTES = 64 * 1024;
const FORGET_EVERY = 50;

/**
 * Log → bronze: every record, as it came, in the order of its partition. What is one JSON object becomes a row of
 * `bronze.<event>`, everything else one of its quarantine.
 *
 * The quarantine and the gaps are committed first and bronze last, all under `raw-landing/<topic>` and N; bronze's `txn`
 * is the position. A start replays the newest plan where bronze does not have it.
 */
export function rawLanding(context: JobContext): StreamingJob {
  const { pipeline, engine, log, store, settings, crashPoint, signal } = context;
  const { topic } = pipeline.event;
  const tables = bronzeTables(pipeline.event);
  const appId = `raw-landing/${topic}`;
  const plans = openPlanStore<LandingInput>(store, 'raw-landing', topic);
  let newest: Plan<LandingInput> | undefined;
  let passed: Passed = { topicId: '', start: [], position: [] };
  const batchRecordsMax = BATCH_RECORDS_MAX[engine.name];
  let recordBytes = 1;

  async function recover(): Promise<void> {
    for (const table of Object.values(tables)) await engine.createTable(table);
    const info = await log.topic(topic);
    newest = await plans.newest();
    const { txnVersion = 0 } = await engine.tableState(tables.events.name, appId);
    if (txnVersion > (newest?.batch ?? 0)) throw plansGone(txnVersion, newest?.batch ?? 0);
    if (newest && txnVersion < newest.batch - 1) throw tableSetBack(txnVersion, newest.batch);
    if (newest && txnVersion < newest.batch) await execute(newest, info);
    passed = newest?.input ?? (await beginning(context, 'raw-landing', info));
    const { gaps } = goOn(info, passed, newest?.batch ?? 0);
    // From here on, retention waits for this consumer.
    if (gaps.length === 0) await commitPassed(context, 'raw-landing', passed);
    else await runBatch();
  }

  async function runBatch(): Promise<BatchReport | undefined> {
    const info = await log.topic(topic);
    const next = goOn(info, passed, newest?.batch ?? 0);
    acceptLoss(context, 'raw-landing', newest?.batch, next.gaps);
    const { start, position: from, topicId, earlier } = next.passed;
    const { ranges, more } = nextRanges(info.partitions, from, await recordsMax(info, from));
    if (ranges.length === 0 && next.gaps.length === 0) return undefined;
    const position = [...from];
    for (const { partition, to } of ranges) position[partition] = to;
    const input: LandingInput = {
      topicId,
      ranges,
      position,
      start,
      ...(earlier && { earlier }),
      ...(next.gaps.length > 0 && { gaps: next.gaps }),
    };
    const plan = newPlan(context, 'raw-landing', newest?.batch, input);
    crashPoint('raw-landing:before-plan');
    await plans.put(plan);
    newest = plan;
    crashPoint('raw-landing:after-plan');
    return { ...(await execute(plan)), more };
  }

  /** @param info What the log has by now, where the plan is an old one. */
  async function execute(plan: Plan<LandingInput>, info?: TopicInfo): Promise<BatchReport> {
    const startedMs = performance.now();
    const { ranges, gone } = info
      ? readableRanges(info, plan.input)
      : { ranges: plan.input.ranges, gone: [] };
    acceptLoss(context, 'raw-landing', plan.batch, gone);
    const session = await engine.open();
    let rows: { rowsIn: number; rowsOut: number };
    try {
      rows = await land(session, plan, ranges, gone);
    } finally {
      await session.close();
    }
    passed = plan.input;
    // Positions beyond the end of the topic would let retention overtake.
    if (gone.length === 0) await commitPassed(context, 'raw-landing', passed);
    crashPoint('raw-landing:after-position');
    if (plan.batch % FORGET_EVERY === 0) await plans.forget(plan.batch - PLANS_KEPT);
    return { job: 'raw-landing', batch: plan.batch, ...rows, durationMs: performance.now() - startedMs };
  }

  async function land(
    session: EngineSession,
    plan: Plan<LandingInput>,
    ranges: readonly OffsetRange[],
    gone: readonly Gap[],
  ) {
    const { records, bytes } = await session.readLog('landed', pipeline.event, ranges);
    if (records > 0) recordBytes = Math.max(1, bytes / records);
    const bronze = await session.prepare(tables.events.name, eventsSql(plan));
    // What bronze does not take, the quarantine does; usually it takes everything.
    let quarantine: PreparedWrite | undefined;
    if (bronze.rows < records) {
      quarantine = await session.prepare(tables.quarantine.name, quarantineSql(plan));
    }
    checkComplete(plan, records, bronze, quarantine);
    const gaps = await prepareGaps(session, plan, ranges, records, gone);
    crashPoint('raw-landing:after-prepare');
    signal.throwIfAborted();
    const batch = { appId, version: plan.batch };
    if (quarantine) await session.commit(quarantine, batch, 'append');
    crashPoint('raw-landing:after-quarantine-commit');
    if (gaps) {
      const { status } = await session.commit(gaps, batch, 'append');
      if (status === 'skipped' && gone.length > 0) await refuseOtherGaps(session, plan, gaps);
    }
    crashPoint('raw-landing:after-gaps-commit');
    await session.commit(bronze, batch, 'append');
    crashPoint('raw-landing:after-commit');
    return { rowsIn: records, rowsOut: bronze.rows };
  }

  /** Offsets of which no row comes: undefined where there are none, which costs nothing to see. */
  async function prepareGaps(
    session: EngineSession,
    plan: Plan<LandingInput>,
    ranges: readonly OffsetRange[],
    records: number,
    gone: readonly Gap[],
  ): Promise<PreparedWrite | undefined> {
    const parts: string[] = [];
    if (records < ranges.reduce((sum, { from, to }) => sum + to - from, 0)) {
      parts.push(gapsSql('landed', ranges));
    }
    if (plan.input.gaps) parts.push(knownGapsSql(plan.input.gaps));
    if (gone.length > 0) {
      // Of what is gone by now, the first attempt may have committed what it set aside.
      await session.readTable('set_aside', tables.quarantine.name, {
        where: { and: [withinBatches(plan.batch - 1, plan.batch), withinRanges(gone)] },
      });
      for (const gap of gone) parts.push(gapsSql(`(${setAsideSql(gap)}) AS in_gap`, [gap], gap.reason));
    }
    if (parts.length === 0) return undefined;
    return session.prepare(
      tables.gaps.name,
      `SELECT CAST(${plan.batch} AS BIGINT) AS log_batch, log_partition, from_offset, to_offset, records, reason,
  ${timestampLiteral(plan.plannedAt)} AS ingestion_timestamp
FROM (${parts.join('\nUNION ALL\n')}) AS gaps`,
    );
  }

  /** An attempt had recorded the batch's gaps and ended before it landed; now there are more of them. */
  async function refuseOtherGaps(
    session: EngineSession,
    { batch }: Plan<LandingInput>,
    gaps: PreparedWrite,
  ): Promise<void> {
    await session.readTable('recorded', tables.gaps.name, { where: withinBatches(batch - 1, batch) });
    const [recorded] = await session.query<{ n: number }>('SELECT count(*) AS n FROM recorded');
    if (recorded?.n === gaps.rows) return;
    throw new EventlakeError(
      'data-loss',
      `More records of batch ${batch} have gone since its gaps were recorded`,
      { job: 'raw-landing', batch, table: tables.gaps.name },
      'Nothing more was landed. `eventlake reset` begins anew with what the log still has.',
    );
  }

  function eventsSql(plan: Plan<LandingInput>): string {
    const fields = Object.keys(pipeline.event.fields).join(', ');
    return `SELECT ${fields}, ${bookkeepingSql(plan)}, rescued FROM landed WHERE parse_error IS NULL`;
  }

  function quarantineSql(plan: Plan<LandingInput>): string {
    return `SELECT raw, parse_error AS reason, ${bookkeepingSql(plan)} FROM landed WHERE parse_error IS NOT NULL`;
  }

  /** How many records are about as many bytes as a batch may have, going by the last batch and by what comes next. */
  async function recordsMax(info: TopicInfo, position: readonly number[]): Promise<number> {
    const [largest] = nextRanges(info.partitions, position, batchRecordsMax).ranges.sort(
      (a, b) => b.to - b.from - (a.to - a.from),
    );
    let nextBytes = 1;
    if (largest) {
      for await (const { count, bounds } of log.read(topic, largest, {
        blockBytesMax: SAMPLE_BYTES,
        signal,
      })) {
        nextBytes = (bounds[count]! - bounds[0]!) / count;
        break;
      }
    }
    const bytes = Math.max(recordBytes, nextBytes);
    return Math.max(1, Math.min(batchRecordsMax, Math.ceil(settings.rawLanding.commitBytesMax / bytes)));
  }

  // A commit a second makes many small files. What is put off is done after the next batch.
  const retain = logRetention(context);
  const tidy = maintenance(context, Object.values(tables), Object.values(tables));
  const maintain = async () => {
    await retain();
    await tidy();
  };
  return { name: 'raw-landing', recover, runBatch, maintain, position: () => passed.position };
}

function setAsideSql({ partition, from, to }: OffsetRange): string {
  return `SELECT * FROM set_aside WHERE log_partition = ${partition} AND log_offset >= ${from} AND log_offset < ${to}`;
}

function bookkeepingSql({ batch, plannedAt }: Plan<LandingInput>): string {
  return [
    `${timestampLiteral(plannedAt)} AS ingestion_timestamp`,
    `CAST(${batch} AS BIGINT) AS log_batch`,
    'log_partition',
    'log_offset',
    'log_timestamp',
  ].join(', ');
}

/** Before anything is committed: a record that is in neither table would be gone for good. */
function checkComplete(
  { batch }: Plan<LandingInput>,
  records: number,
  bronze: PreparedWrite,
  quarantine: PreparedWrite | undefined,
): void {
  const rows = bronze.rows + (quarantine?.rows ?? 0);
  if (rows === records) return;
  throw new EventlakeError(
    'internal',
    `Batch ${batch} has ${records} records, but ${rows} rows`,
    { job: 'raw-landing', batch, table: bronze.table },
    'Nothing was committed. Please report this.',
  );
}

function plansGone(committed: number, planned: number): EventlakeError {
  return new EventlakeError(
    'corrupt',
    `Bronze has batch ${committed}, but the newest plan is ${planned === 0 ? 'none' : planned}`,
    { job: 'raw-landing', batch: committed },
    'The folder `checkpoints` belongs to the tables beside it: restore it together with them.',
  );
}

function tableSetBack(committed: number, planned: number): EventlakeError {
  return new EventlakeError(
    'data-loss',
    `Bronze ends with batch ${committed}, but batch ${planned - 1} had been committed`,
    { job: 'raw-landing', batch: committed },
    'Bronze was set back or restored from an old copy: restore the newest one, or `eventlake reset`.',
  );
}

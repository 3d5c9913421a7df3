import type { Plan } from '../batch/plan.js';
import { openPlanStore } from '../batch/plan-store.js';
import type { EngineSession, PreparedWrite } from '../engine/engine.js';
import { EventlakeError } from '../errors.js';
import type { OffsetRange, TopicInfo } from '../log/event-log.js';
import { timestampLiteral } from '../schema/macros.js';
import { bronzeTables } from '../schema/tables.js';
import type { BatchReport, JobContext, StreamingJob } from './job.js';
import { nextRanges } from './log-ranges.js';
import { logRetention, maintenance } from './maintenance.js';
import { newPlan, PLANS_KEPT } from './planning.js';

/** What batch N of raw-landing lands; `N` is its rows' `log_batch`. */
export interface LandingInput {
  /** A topic that was made anew has another id, and other records at the same offsets. */
  topicId: string;
  ranges: OffsetRange[];
  /** Per partition, the offset that the batch ends before. */
  position: number[];
  /** Per partition, the first offset that was ever landed. */
  start: number[];
}

/** A record is at least so long that more of them would take too long to replay, whatever their size. */
const BATCH_RECORDS_MAX = 1_000_000;
const SAMPLE_BYTES = 64 * 1024;
const FORGET_EVERY = 50;

/**
 * Log → bronze: every record, as it came, in the order of its partition. What is one JSON object becomes a row of
 * `bronze.<event>`, everything else one of its quarantine.
 *
 * The quarantine is committed first and bronze last, both under `raw-landing/<topic>` and N; bronze's `txn` is the
 * position. A start replays the newest plan where bronze does not have it.
 */
export function rawLanding(context: JobContext): StreamingJob {
  const { pipeline, engine, log, store, settings, crashPoint, signal } = context;
  const { topic } = pipeline.event;
  const tables = bronzeTables(pipeline.event);
  const appId = `raw-landing/${topic}`;
  const plans = openPlanStore<LandingInput>(store, 'raw-landing', topic);
  let newest: Plan<LandingInput> | undefined;
  let position: number[] = [];
  let start: number[] = [];
  let recordBytes = 1;

  async function recover(): Promise<void> {
    for (const table of Object.values(tables)) await engine.createTable(table);
    const info = await log.topic(topic);
    newest = await plans.newest();
    const { txnVersion = 0 } = await engine.tableState(tables.events.name, appId);
    if (newest) {
      refuseOtherTopic(info, newest);
      start = newest.input.start;
    }
    if (txnVersion > (newest?.batch ?? 0)) throw plansGone(txnVersion, newest?.batch ?? 0);
    if (!newest) {
      refuseLost(info, await log.positions('raw-landing', topic));
      position = info.partitions.map(({ startOffset }) => startOffset);
      start = position;
    } else if (txnVersion === newest.batch) position = newest.input.position;
    else if (txnVersion === newest.batch - 1) return void (await execute(newest));
    else throw tableSetBack(txnVersion, newest.batch);
    // From here on, retention waits for this consumer.
    await log.commitPositions('raw-landing', topic, position);
  }

  async function runBatch(): Promise<BatchReport | undefined> {
    const info = await log.topic(topic);
    if (newest) refuseOtherTopic(info, newest);
    const { ranges, more } = nextRanges(info.partitions, position, await recordsMax(info));
    if (ranges.length === 0) return undefined;
    const after = [...position];
    for (const { partition, to } of ranges) after[partition] = to;
    const input: LandingInput = { topicId: info.topicId, ranges, position: after, start };
    const plan = newPlan(context, 'raw-landing', newest?.batch, input);
    crashPoint('raw-landing:before-plan');
    await plans.put(plan);
    newest = plan;
    crashPoint('raw-landing:after-plan');
    return { ...(await execute(plan)), more };
  }

  async function execute(plan: Plan<LandingInput>): Promise<BatchReport> {
    const startedMs = performance.now();
    const session = await engine.open();
    let rows: { rowsIn: number; rowsOut: number };
    try {
      rows = await land(session, plan);
    } finally {
      await session.close();
    }
    position = plan.input.position;
    await log.commitPositions('raw-landing', topic, position);
    crashPoint('raw-landing:after-position');
    if (plan.batch % FORGET_EVERY === 0) await plans.forget(plan.batch - PLANS_KEPT);
    return { job: 'raw-landing', batch: plan.batch, ...rows, durationMs: performance.now() - startedMs };
  }

  async function land(session: EngineSession, plan: Plan<LandingInput>) {
    const { records, bytes } = await session.readLog('landed', pipeline.event, plan.input.ranges);
    if (records > 0) recordBytes = Math.max(1, bytes / records);
    const bronze = await session.prepare(tables.events.name, eventsSql(plan));
    // What bronze does not take, the quarantine does; usually it takes everything.
    let quarantine: PreparedWrite | undefined;
    if (bronze.rows < records) {
      quarantine = await session.prepare(tables.quarantine.name, quarantineSql(plan));
    }
    checkComplete(plan, records, bronze, quarantine);
    crashPoint('raw-landing:after-prepare');
    signal.throwIfAborted();
    const batch = { appId, version: plan.batch };
    if (quarantine) await session.commit(quarantine, batch, 'append');
    crashPoint('raw-landing:after-quarantine-commit');
    await session.commit(bronze, batch, 'append');
    crashPoint('raw-landing:after-commit');
    return { rowsIn: records, rowsOut: bronze.rows };
  }

  function eventsSql(plan: Plan<LandingInput>): string {
    const fields = Object.keys(pipeline.event.fields).join(', ');
    return `SELECT ${fields}, ${bookkeepingSql(plan)}, rescued FROM landed WHERE parse_error IS NULL`;
  }

  function quarantineSql(plan: Plan<LandingInput>): string {
    return `SELECT raw, parse_error AS reason, ${bookkeepingSql(plan)} FROM landed WHERE parse_error IS NOT NULL`;
  }

  /** How many records are about as many bytes as a batch may have, going by the last batch and by what comes next. */
  async function recordsMax(info: TopicInfo): Promise<number> {
    const [largest] = nextRanges(info.partitions, position, BATCH_RECORDS_MAX).ranges.sort(
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
    return Math.max(1, Math.min(BATCH_RECORDS_MAX, Math.ceil(settings.rawLanding.commitBytesMax / bytes)));
  }

  function refuseOtherTopic(info: TopicInfo, { batch, input }: Plan<LandingInput>): void {
    if (info.topicId === input.topicId) return;
    throw new EventlakeError(
      'data-loss',
      `Topic ${topic} was made anew since raw-landing landed its batch ${batch}`,
      { topic, job: 'raw-landing', batch },
      'The log was removed without the tables. `eventlake reset` begins anew with all of them.',
    );
  }

  /** Before the first plan; later the log itself refuses to read what is gone. */
  function refuseLost({ partitions }: TopicInfo, positions: readonly number[] | undefined): void {
    for (const { partition, startOffset } of positions ? partitions : []) {
      const lost = startOffset - positions![partition]!;
      if (lost <= 0) continue;
      throw new EventlakeError(
        'data-loss',
        `${lost} records are gone: retention removed them before they were landed`,
        { topic, partition, offset: positions![partition]!, job: 'raw-landing' },
        'They are in no table. `eventlake reset` begins anew with what the log still has.',
      );
    }
  }

  // A commit a second makes many small files. What is put off is done after the next batch.
  const retain = logRetention(context);
  const tidy = maintenance(context, Object.values(tables), Object.values(tables));
  const maintain = async () => {
    await retain();
    await tidy();
  };
  return { name: 'raw-landing', recover, runBatch, maintain, position: () => position };
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

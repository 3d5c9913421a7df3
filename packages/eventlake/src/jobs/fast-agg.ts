import { PLANS_KEPT, type Plan } from '../batch/plan.js';
import { openPlanStore } from '../batch/plan-store.js';
import { EventlakeError } from '../errors.js';
import type { OffsetRange, TopicInfo } from '../log/event-log.js';
import { textLiteral } from '../schema/macros.js';
import { type LiveIncrement, liveRows } from '../schema/sql.js';
import { liveTables } from '../schema/tables.js';
import type { Row } from '../serving/serving.js';
import { countLive } from './count-live.js';
import type { BatchReport, JobContext, StreamingJob } from './job.js';
import { landedLife, landedLives, landedPlan, lostWithin } from './landed.js';
import {
  filledLiveTable,
  foreignCounts,
  type LiveSums,
  liveSums,
  refuseEarlier,
  sumsOf,
  truncateLiveTables,
  useUp,
} from './live-tables.js';
import { beginning, commitPassed } from './log-positions.js';
import { nextRanges } from './log-ranges.js';
import { common, merged, without } from './offset-sets.js';
import { acceptLoss, goOn, type Passed, readableRanges } from './passed.js';
import { newPlan } from './planning.js';

/** What batch N of fast-agg counts. The position is the one after it. */
export interface LiveInput extends Passed {
  ranges: OffsetRange[];
  /** Per partition, the highest valid event time before the batch, microseconds since 1970; null: none yet. */
  highestEventUs: readonly (number | null)[];
  /** What each live table added up to before it, where ClickHouse is the embedded one. */
  sums?: LiveSums;
  /** The log had the ranges no longer when the batch was planned, but they had landed. */
  source?: 'bronze';
  /** A batch of nothing, which empties the live tables: those after it count everything again. */
  reset?: true;
  /** Of a reset: the batch before it, of which another instance may have an insert under way. */
  underWay?: number;
}

export interface FastAggOptions {
  /** Makes the live tables anew: from bronze what has landed and left the log, the rest from the log. */
  fullRefresh?: boolean;
}

/** A guess, until a batch has told. */
const RECORD_BYTES = 256;
/** A backlog is counted in batches of which one is small in memory; each costs some tens of milliseconds more. */
const BATCH_RECORDS_MAX = 100_000;
const FORGET_EVERY = 50;
/** Of a reset that must be, against an instance that plans batches now and then. */
const RESETS_MAX = 1000;

/**
 * Log → ClickHouse `realtime`: counts the valid events of each minute as they come, and the late ones apart. What is
 * inserted is only ever new, so the tables' sums are exact at every moment.
 *
 * Each table gets one block a batch under the token `fast-agg/<topic>/<N>`: a replay inserts nothing twice. The position
 * is the newest plan, once all its blocks are in; every start replays that plan. The embedded ClickHouse may lose a token and
 * keep the block, or the other way round: there, what a table adds up to tells.
 *
 * What the log has no longer is counted from bronze, so that what is lost here is what raw-landing has lost, too; and so
 * that live tables that are gone can be made anew, which happens by itself.
 */
export function fastAgg(context: JobContext, options: FastAggOptions = {}): StreamingJob {
  const { pipeline, log, store, settings, crashPoint, signal } = context;
  const { topic } = pipeline.event;
  const plans = openPlanStore<LiveInput>(store, 'fast-agg', topic);
  const isEmbedded = settings.clickhouse.url === undefined;
  let newest: Plan<LiveInput> | undefined;
  let passed: Passed = { topicId: '', start: [], position: [] };
  let highest: readonly (number | null)[] = [];
  let recordBytes = RECORD_BYTES;
  /** What the live tables add up to, where ClickHouse is the embedded one, and since this start has looked. */
  let sums: LiveSums | undefined;
  let isAsked = options.fullRefresh ?? false;
  /** The tables, for a plan of which it is not known that nobody had gone on from it. */
  let emptied = false;
  /** ClickHouse refuses the batches before those of this start, which may be another instance's. */
  let hasRefused = false;

  async function recover(): Promise<void> {
    const tablesAreGone = !(await anyTable());
    await (await context.serving()).ensure(liveTables(pipeline));
    const info = await log.topic(topic);
    newest = (await plans.newest()) ?? (await firstPlanOfAnother());
    // Nobody empties tables for a plan of another's: whose plan it is may have begun to count again.
    if (newest && (newest.input.reset || isAsked || emptied || tablesAreGone)) {
      const why = tablesAreGone ? 'ClickHouse has none of them' : 'as was planned';
      context.logger.warn({ job: 'fast-agg' }, `fast-agg makes the live tables anew: ${why}`);
      await reset(info);
    } else if (newest) {
      await execute(newest, info);
    } else {
      passed = await beginning(context, 'fast-agg', info);
      highest = passed.position.map(() => null);
    }
    hasRefused = false;
    sums = isEmbedded ? await liveSums(context) : undefined;
    // From here on, retention waits for this consumer.
    if (goOn(info, passed, 0).gaps.length === 0 && passed.unsure === newest?.input.unsure) {
      await commitPassed(context, 'fast-agg', passed);
    } else await runBatch();
  }

  /**
   * Nothing is planned yet; where tables are filled all the same, another instance has planned and counted meanwhile.
   * @throws EventlakeError `invalid` where it was another lake.
   */
  async function firstPlanOfAnother(): Promise<Plan<LiveInput> | undefined> {
    const filled = await filledLiveTable(context);
    if (filled === undefined) return undefined;
    const plan = await plans.newest();
    if (plan) return plan;
    throw foreignCounts(filled, (await context.serving()).url);
  }

  async function anyTable(): Promise<boolean> {
    const names = liveTables(pipeline).map(({ name }) => textLiteral(name));
    const [row] = await (await context.serving()).query<{ n: number }>(
      `SELECT count() AS n FROM system.tables WHERE concat(database, '.', name) IN (${names.join(', ')})`,
    );
    return Number(row!.n) > 0;
  }

  /** Everything that ever landed is counted again, and what has not landed yet follows from the log. */
  async function reset(info: TopicInfo): Promise<void> {
    const landed = await landedPlan(context);
    const first = landed && landedLives(landed)[0];
    const topicId = first?.topicId ?? info.topicId;
    const start = first ? [...first.start] : info.partitions.map(({ startOffset }) => startOffset);
    const input: LiveInput = {
      topicId,
      start,
      position: start,
      ranges: [],
      highestEventUs: start.map(() => null),
      reset: true,
    };
    crashPoint('fast-agg:before-reset');
    let plan = await planReset(input);
    crashPoint('fast-agg:after-reset-plan');
    await refuseZombie(plan);
    while (!(await empty(plan))) plan = await planReset(input);
    isAsked = false;
    await execute(plan);
  }

  async function planReset(input: LiveInput): Promise<Plan<LiveInput>> {
    for (let attempt = 1; ; attempt++) {
      const last = emptied ? await plans.newest() : newest;
      const underWay = last?.input.reset ? last.input.underWay : last?.batch;
      const plan = newPlan(context, 'fast-agg', last?.batch, {
        ...input,
        ...(underWay !== undefined && { underWay }),
      });
      try {
        await plans.put(plan);
        newest = plan;
        return plan;
      } catch (error) {
        const isOvertaken = error instanceof EventlakeError && error.kind === 'fenced';
        if (!isOvertaken || !emptied || attempt === RESETS_MAX) throw error;
      }
    }
  }

  /**
   * @returns false where another instance has counted meanwhile, and some of it may be gone.
   * @throws EventlakeError `fenced` where another one makes the tables anew, too, and has counted nothing yet.
   */
  async function empty(plan: Plan<LiveInput>): Promise<boolean> {
    emptied = true;
    do {
      await truncateLiveTables(context);
      crashPoint('fast-agg:after-reset');
      // Emptied tables remember no tokens.
      const { underWay } = plan.input;
      for (const token of underWay === undefined ? [] : [tokenOf(underWay), againTokenOf(underWay)]) {
        await useUp(context, token);
      }
      const planned = await plans.newest();
      if (planned?.batch !== plan.batch && !planned?.input.reset) return false;
      // Filled, where that insert has come in between.
    } while (await filledLiveTable(context));
    emptied = false;
    await refuseZombie(plan);
    return true;
  }

  function tokenOf(batch: number): string {
    return `fast-agg/${topic}/${batch}`;
  }

  /** Of a block that ClickHouse does not have although it knows its token. */
  function againTokenOf(batch: number): string {
    return `fast-agg/${topic}/again/${batch}`;
  }

  async function runBatch(): Promise<BatchReport | undefined> {
    const info = await log.topic(topic);
    const input = (await nextInput(info)) ?? (passed.unsure !== newest?.input.unsure ? nothing() : undefined);
    if (!input) return undefined;
    const { more, ...planned } = input;
    const plan = newPlan<LiveInput>(context, 'fast-agg', newest?.batch, {
      ...planned,
      ...(sums && { sums }),
    });
    crashPoint('fast-agg:before-plan');
    await plans.put(plan);
    const anew = !newest || newest.input.reset === true;
    newest = plan;
    crashPoint('fast-agg:after-plan');
    if (!hasRefused) await refuseEarlier(context, plan.batch, { anew });
    hasRefused = true;
    return { ...(await execute(plan)), more };
  }

  async function nextInput(info: TopicInfo): Promise<(LiveInput & { more: boolean }) | undefined> {
    const recordsMax = Math.min(BATCH_RECORDS_MAX, Math.ceil(settings.fastAgg.commitBytesMax / recordBytes));
    const next = goOn(info, passed, newest?.batch ?? 0);
    if (next.gaps.length > 0) {
      const landed = await fromBronze(info, recordsMax);
      if (landed) return landed;
      if (!(await isPassedByLanding(info))) acceptLoss(context, 'fast-agg', newest?.batch, next.gaps);
    }
    const { ranges, more } = nextRanges(info.partitions, next.passed.position, recordsMax);
    if (ranges.length === 0 && next.gaps.length === 0) return undefined;
    const lost = next.gaps.filter(({ reason }) => reason === 'lost');
    const sameTopic = info.topicId === passed.topicId;
    return {
      ...inputAfter(next.passed, ranges, lost),
      highestEventUs: info.partitions.map(({ partition }) =>
        sameTopic ? (highest[partition] ?? null) : null,
      ),
      more,
    };
  }

  /** raw-landing has gone on from this life of the topic to the next: nothing more can be lost by doing so. */
  async function isPassedByLanding({ topicId }: TopicInfo): Promise<boolean> {
    const plan = topicId === passed.topicId ? undefined : await landedPlan(context);
    const lives = plan ? landedLives(plan).map((life) => life.topicId) : [];
    return lives.at(-1) === topicId && lives.includes(passed.topicId);
  }

  /** What the log has no longer, and bronze has. */
  async function fromBronze(
    { topicId, partitions }: TopicInfo,
    recordsMax: number,
  ): Promise<(LiveInput & { more: boolean }) | undefined> {
    const life = await landedLife(context, passed.topicId);
    if (!life) return undefined;
    const ends = passed.position.map((from, partition) => {
      const end = life.passed.find((range) => range.partition === partition)?.to ?? from;
      const startOffset = topicId === passed.topicId ? (partitions[partition]?.startOffset ?? from) : end;
      return { partition, startOffset: 0, endOffset: Math.min(end, startOffset) };
    });
    const { ranges, more } = nextRanges(ends, passed.position, recordsMax);
    if (ranges.length === 0) return undefined;
    const lost = await lostWithin(context, life, ranges);
    return { ...inputAfter(passed, ranges, lost), highestEventUs: highest, source: 'bronze', more };
  }

  function inputAfter(
    { topicId, start, position: from, earlier, lost = [], unsure }: Passed,
    ranges: OffsetRange[],
    more: readonly OffsetRange[],
  ): Omit<LiveInput, 'highestEventUs'> {
    const position = [...from];
    for (const { partition, to } of ranges) position[partition] = to;
    const allLost = merged([...lost, ...more]);
    return {
      topicId,
      ranges,
      position,
      start,
      ...(earlier && { earlier }),
      ...(allLost.length > 0 && { lost: allLost }),
      ...(unsure && { unsure }),
    };
  }

  /** A batch without records, which records what is unsure. */
  function nothing(): LiveInput & { more: boolean } {
    return { ...inputAfter(passed, [], []), highestEventUs: highest, more: true };
  }

  /** @param info What the log has by now, where the plan is an old one. */
  async function execute(plan: Plan<LiveInput>, info?: TopicInfo): Promise<BatchReport> {
    const startedMs = performance.now();
    const { ranges, gone } = info
      ? readableRanges(info, plan.input)
      : { ranges: plan.input.ranges, gone: [] };
    const life =
      plan.input.source || gone.length > 0 ? await landedLife(context, plan.input.topicId) : undefined;
    const lostThere = life && gone.length > 0 ? await lostWithin(context, life, gone) : [];
    const inBronze = plan.input.source
      ? plan.input.ranges
      : without(common(gone, life?.passed ?? []), lostThere);
    // An attempt before this one may have counted it.
    const unsure = plan.input.source ? [] : without(gone, inBronze);
    acceptLoss(
      context,
      'fast-agg',
      plan.batch,
      unsure.map((range) => ({
        ...range,
        reason: info?.topicId === plan.input.topicId ? 'lost' : 'recreated',
      })),
    );
    const counted = await countLive(context, {
      highestEventUs: plan.input.highestEventUs,
      inLog: plan.input.source ? [] : ranges,
      inBronze,
      life,
    });
    recordBytes = counted.recordBytes ?? recordBytes;
    signal.throwIfAborted();
    await refuseZombie(plan);
    await insert(plan, counted.increments, { isReplay: info !== undefined });
    const { topicId, start, position, earlier, lost } = plan.input;
    const allUnsure =
      unsure.length > 0 ? merged([...(plan.input.unsure ?? []), ...unsure]) : plan.input.unsure;
    passed = {
      topicId,
      start,
      position,
      ...(earlier && { earlier }),
      ...(lost && { lost }),
      ...(allUnsure && { unsure: allUnsure }),
    };
    highest = counted.highest;
    // Positions beyond the end of the topic would let retention overtake.
    if (gone.length === 0) await commitPassed(context, 'fast-agg', passed);
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

  /**
   * The embedded ClickHouse writes a token just before its block, and does not flush it: where an attempt may have been cut
   * off, what the tables add up to tells which have their block, and which only take it for a repetition.
   */
  async function insert(
    plan: Plan<LiveInput>,
    increments: readonly LiveIncrement[],
    { isReplay }: { isReplay: boolean },
  ): Promise<void> {
    const serving = await context.serving();
    const { connections } = serving;
    const blocks = [...liveRows(pipeline, increments)];
    const before = isEmbedded ? plan.input.sums : undefined;
    if (before === undefined) return insertBlocks(plan, blocks, tokenOf(plan.batch));
    const own = sumsOf(pipeline, increments);
    const found = isReplay ? await liveSums(context) : before;
    const missing = blocks.filter(([table]) => found[table] !== before[table]! + own[table]!);
    await insertBlocks(plan, missing, tokenOf(plan.batch));
    sums = sums && plus(sums, own);
    if (!isReplay && serving.connections === connections) return;
    const now = await liveSums(context);
    const refused = missing.filter(([table]) => now[table] === before[table]);
    if (refused.length === 0) return;
    context.logger.warn(
      { job: 'fast-agg', batch: plan.batch, tables: refused.map(([table]) => table) },
      'ClickHouse knew the token of a batch that it did not have: inserted under another',
    );
    await refuseZombie(plan);
    await insertBlocks(plan, refused, againTokenOf(plan.batch));
  }

  async function insertBlocks(
    plan: Plan<LiveInput>,
    blocks: readonly (readonly [table: string, rows: Row[]])[],
    token: string,
  ): Promise<void> {
    const serving = await context.serving();
    // At once, since most of each is waiting for the disk; all have ended before a failure is thrown.
    const inserts = blocks.map(async ([table, rows]) => {
      await serving.insert(table, rows, token);
      crashPoint(`fast-agg:after-${table}-insert`);
    });
    const [failed] = (await Promise.allSettled(inserts)).filter(isRejected);
    if (!failed) return;
    // Refused by ClickHouse, perhaps, where another instance has gone on.
    await refuseZombie(plan);
    throw failed.reason;
  }

  /** Tokens do not outlive a reset: before each insert, since another instance may have planned one. */
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

  return { name: 'fast-agg', recover, runBatch, maintain: async () => {}, position: () => passed.position };
}

function plus(sums: LiveSums, more: LiveSums): LiveSums {
  return Object.fromEntries(Object.entries(sums).map(([table, sum]) => [table, sum + (more[table] ?? 0)]));
}

function isRejected(result: PromiseSettledResult<void>): result is PromiseRejectedResult {
  return result.status === 'rejected';
}

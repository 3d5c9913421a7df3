import type { Predicate } from '@eventlake/delta';
import type { Plan } from '../batch/plan.js';
import { type LandedLife, landedLives, lostInLife, withinLife } from '../jobs/landed.js';
import { between, common, merged, offsetCount, without } from '../jobs/offset-sets.js';
import type { Passed } from '../jobs/passed.js';
import type { LandingInput } from '../jobs/raw-landing.js';
import type { OffsetRange, TopicInfo } from '../log/event-log.js';
import { bronzeTables } from '../schema/tables.js';
import type { Counting } from './counting.js';
import type { LiveReading } from './live-position.js';

/** How what fast-agg has counted and what raw-landing has landed lie to each other. */
export interface Coverage {
  /** Bronze's rows, and silver's, that are not counted live; undefined: there are none. */
  outside: Predicate | undefined;
  /** Counted, and not landed yet: the log has it. */
  unlanded: OffsetRange[];
  /** Records of which nobody can know whether, or how, they were counted: lost to one side only. */
  unknown: number;
  /** What was being inserted: what the log has of it, and how many offsets it has not. */
  half: { readable: OffsetRange[]; offsets: number };
  /** What was counted of each life of the topic, by where it can be read. */
  lives: { landed: { life: LandedLife; ranges: OffsetRange[] }[]; unlanded: OffsetRange[] }[];
}

interface CountedLife {
  topicId: string;
  start: readonly number[];
  passed: OffsetRange[];
  lost: readonly OffsetRange[];
  unsure: readonly OffsetRange[];
}

export async function readCoverage(
  counting: Counting,
  landing: Plan<LandingInput> | undefined,
  reading: LiveReading<unknown>,
): Promise<Coverage> {
  const { log, pipeline, engine } = counting.context;
  const landed = landing ? landedLives(landing) : [];
  const gaps = landing ? (await engine.tableState(bronzeTables(pipeline.event).gaps.name)).recordCount : 0;
  const lost: OffsetRange[][] = [];
  for (const life of landed) {
    lost.push(gaps === 0 ? [] : await lostInLife(counting.session, pipeline.event, life));
  }
  const info = await log.topic(pipeline.event.topic);
  return coverage(countedLives(reading.settled), landed, lost, info, beingInserted(reading));
}

/** Pure. */
export function coverage(
  counted: readonly CountedLife[],
  landed: readonly LandedLife[],
  lost: readonly (readonly OffsetRange[])[],
  info: TopicInfo,
  half: { topicId: string; ranges: readonly OffsetRange[] },
): Coverage {
  const kept = info.partitions.map(({ partition, startOffset: from, endOffset: to }) => ({
    partition,
    from,
    to,
  }));
  const inLog = (topicId: string) => (topicId === info.topicId ? kept : []);
  let unknown = 0;
  const rows: Predicate[] = [];
  for (const [i, life] of landed.entries()) {
    const same = counted.filter(({ topicId }) => topicId === life.topicId);
    const live = merged(same.flatMap(surelyCounted));
    const tail = cutOff(life, landed[i + 1]);
    const apart = merged([...without(life.passed, live), ...tail]);
    if (apart.length > 0) rows.push(withinLife(life, apart));
    unknown += offsetCount(tail) + offsetCount(common(lost[i]!, live));
    unknown += offsetCount(
      common(
        life.passed,
        same.flatMap(({ unsure }) => unsure),
      ),
    );
    // It landed although fast-agg held it for lost: its watermark cannot be made again.
    unknown += offsetCount(
      common(
        without(life.passed, lost[i]!),
        same.flatMap((one) => one.lost),
      ),
    );
  }
  const lives: Coverage['lives'] = counted.map((life, i) => {
    const same = landed.filter(({ topicId }) => topicId === life.topicId);
    const passed = merged(same.flatMap((one) => one.passed));
    const tail = cutOff(life, counted[i + 1]);
    const live = without(surelyCounted(life), tail);
    const rest = without(live, passed);
    const unlanded = i === counted.length - 1 ? common(rest, inLog(life.topicId)) : [];
    unknown += offsetCount(tail) + offsetCount(without(rest, unlanded));
    unknown += offsetCount(without(life.unsure, passed));
    return {
      landed: same.map((one) => ({ life: one, ranges: common(live, one.passed) })),
      unlanded,
    };
  });
  const readable = common(half.ranges, inLog(half.topicId));
  return {
    outside: rows.length === 0 ? undefined : { or: rows },
    unlanded: lives.flatMap((life) => life.unlanded),
    unknown,
    half: { readable, offsets: offsetCount(without(half.ranges, readable)) },
    lives,
  };
}

function countedLives(passed: Passed): CountedLife[] {
  return [...(passed.earlier ?? []), passed].map(({ topicId, start, position, lost = [], unsure = [] }) => ({
    topicId,
    start,
    passed: between(start, position),
    lost,
    unsure,
  }));
}

function surelyCounted({ passed, lost, unsure }: CountedLife): OffsetRange[] {
  return without(passed, [...lost, ...unsure]);
}

/** Offsets of a life that the next one of the same topic has again, with other records. */
function cutOff(
  life: { topicId: string; passed: readonly OffsetRange[] },
  next: { topicId: string; start: readonly number[] } | undefined,
): OffsetRange[] {
  if (next?.topicId !== life.topicId) return [];
  return life.passed
    .map(({ partition, from, to }) => ({ partition, from: Math.max(from, next.start[partition] ?? to), to }))
    .filter(({ from, to }) => to > from);
}

function beingInserted({ settled, begun }: LiveReading<unknown>): { topicId: string; ranges: OffsetRange[] } {
  const from = settled.topicId === begun.topicId ? settled.position : begun.start;
  return { topicId: begun.topicId, ranges: without(between(from, begun.position), begun.lost ?? []) };
}

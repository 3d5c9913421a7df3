import type { Settings } from '../config.js';
import { EventlakeError } from '../errors.js';
import type { OffsetRange, TopicInfo } from '../log/event-log.js';
import type { Gap } from '../schema/gaps.js';
import type { JobContext, JobName } from './job.js';

/** How far a job has come in its topic, and where it began: part of each of its plans. */
export interface Passed {
  /** A topic that was made anew has another id, and other records at the same offsets. */
  topicId: string;
  /** Per partition, the first offset that was ever taken. */
  start: number[];
  /** Per partition, the offset that the next batch begins at. */
  position: number[];
  /** Offsets that were passed before the topic was made anew or cut off, the oldest first. */
  earlier?: EarlierOffsets[];
  /** fast-agg: what it has passed without counting it. Of raw-landing the table of gaps tells. */
  lost?: OffsetRange[];
  /** fast-agg: what it has passed, and either counted or not. */
  unsure?: OffsetRange[];
}

export interface EarlierOffsets extends Pick<Passed, 'topicId' | 'start' | 'position' | 'lost' | 'unsure'> {
  /** The job's last batch of them. */
  toBatch: number;
  /** Gaps that record the break itself, and of which no row was expected. */
  marks: number;
}

export interface Continuation {
  passed: Passed;
  /** What lies between: nothing, unless records are gone. */
  gaps: Gap[];
}

/**
 * Where a job goes on, given what the log has by now. Pure.
 * - Retention has removed what was not read: from the first record that is kept.
 * - The topic was made anew: from its beginning.
 * - A partition ends before the position: from its end, since what comes now lies at offsets that have been passed.
 * @param batch The job's last batch.
 */
export function goOn({ topicId, partitions }: TopicInfo, passed: Passed, batch: number): Continuation {
  const at = (offsets: readonly number[], partition: number) => offsets[partition] ?? 0;
  if (topicId !== passed.topicId) {
    const gaps = passed.position.map(
      (offset, partition): Gap => mark(partition, offset, offset, 'recreated'),
    );
    const fresh = { topicId, start: partitions.map(() => 0), position: partitions.map(() => 0) };
    const rest = goOn({ topic: '', topicId, partitions }, fresh, batch);
    return {
      passed: { ...rest.passed, earlier: [...(passed.earlier ?? []), ended(passed, batch, gaps)] },
      gaps: [...gaps, ...rest.gaps],
    };
  }
  const start = partitions.map(({ partition }) => at(passed.start, partition));
  const position = partitions.map(({ partition, startOffset, endOffset }) =>
    Math.max(startOffset, Math.min(endOffset, at(passed.position, partition))),
  );
  const cut = partitions
    .filter(({ partition, endOffset }) => endOffset < at(passed.position, partition))
    .map(({ partition, endOffset }) =>
      mark(partition, endOffset, at(passed.position, partition), 'truncated'),
    );
  const lost = partitions
    .filter(({ partition, startOffset }) => startOffset > at(passed.position, partition))
    .map(({ partition, startOffset }) =>
      mark(partition, at(passed.position, partition), startOffset, 'lost'),
    );
  if (cut.length === 0) return { passed: { ...passed, start, position }, gaps: lost };
  const begin = partitions.map(({ partition, endOffset }) =>
    Math.min(endOffset, at(passed.position, partition)),
  );
  const earlier = [...(passed.earlier ?? []), ended(passed, batch, cut)];
  return { passed: { topicId, start: begin, position, earlier }, gaps: [...cut, ...lost] };
}

function mark(partition: number, from: number, to: number, reason: Gap['reason']): Gap {
  return { partition, from, to, reason };
}

function ended(passed: Passed, toBatch: number, gaps: readonly Gap[]): EarlierOffsets {
  const { topicId, start, position, lost, unsure } = passed;
  return {
    topicId,
    start,
    position,
    toBatch,
    marks: gaps.length,
    ...(lost && { lost }),
    ...(unsure && { unsure }),
  };
}

/** The part of a plan's ranges that can still be read, and the part that cannot: a plan may be older than a retention. */
export function readableRanges(
  { topicId, partitions }: TopicInfo,
  plan: { topicId: string; ranges: readonly OffsetRange[] },
): { ranges: OffsetRange[]; gone: Gap[] } {
  const ranges: OffsetRange[] = [];
  const gone: Gap[] = [];
  for (const { partition, from, to } of plan.ranges) {
    const { startOffset, endOffset } = partitions[partition] ?? { startOffset: 0, endOffset: 0 };
    if (topicId !== plan.topicId) {
      gone.push({ partition, from, to, reason: 'recreated' });
      continue;
    }
    const first = Math.min(to, Math.max(from, startOffset));
    const end = Math.max(first, Math.min(to, endOffset));
    if (first > from) gone.push({ partition, from, to: first, reason: 'lost' });
    if (end > first) ranges.push({ partition, from: first, to: end });
    if (to > end) gone.push({ partition, from: end, to, reason: 'lost' });
  }
  return { ranges, gone };
}

/** Stops at a loss, or tells of it and goes on, as `onDataLoss` says. */
export function acceptLoss(
  { settings, logger, pipeline }: Pick<JobContext, 'settings' | 'logger' | 'pipeline'>,
  job: JobName,
  batch: number | undefined,
  gaps: readonly Gap[],
): void {
  if (gaps.length === 0) return;
  const error = dataLoss(pipeline.event.topic, job, batch, gaps);
  if (settings.onDataLoss === ('stop' satisfies Settings['onDataLoss'])) throw error;
  logger.warn({ job, gaps }, `${job} goes on: ${error.message}`);
}

const GAPS_TOLD_MAX = 8;

function dataLoss(
  topic: string,
  job: JobName,
  batch: number | undefined,
  gaps: readonly Gap[],
): EventlakeError {
  const lost = gaps.filter(({ from, to, reason }) => reason !== 'truncated' && to > from);
  const records = lost.reduce((sum, { from, to }) => sum + to - from, 0);
  const told = (of: readonly Gap[]) =>
    of
      .slice(0, GAPS_TOLD_MAX)
      .map(({ partition, from, to }) => `partition ${partition}: offsets ${from} to ${to - 1}`)
      .join('; ') + (of.length > GAPS_TOLD_MAX ? '; …' : '');
  const cut = gaps.filter(({ reason }) => reason === 'truncated');
  const parts = [
    ...(gaps.some(({ reason }) => reason === 'recreated')
      ? [`Topic ${topic} was made anew since ${job} worked on its batch ${batch ?? 0}`]
      : []),
    ...(cut.length > 0
      ? [`The log ends before what ${job} has passed, cut off or restored from an older copy (${told(cut)})`]
      : []),
    ...(records > 0
      ? [`${records} records are gone: they were removed before ${job} read them (${told(lost)})`]
      : []),
  ];
  const first = gaps[0]!;
  return new EventlakeError(
    'data-loss',
    parts.join('. '),
    { topic, partition: first.partition, offset: first.from, job, ...(batch !== undefined && { batch }) },
    `--on-data-loss continue goes on with what the log has, and records what is missing in the ledger; \`eventlake reset\` begins anew.`,
  );
}

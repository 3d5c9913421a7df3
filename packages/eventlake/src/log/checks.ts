import { EventlakeError } from '../errors.js';
import { PARTITIONS_MAX } from '../limits.js';
import type { OffsetRange } from './event-log.js';

/** What every log refuses before it looks at anything. */

/** Names of consumers and sources are keys, which are bounded. */
const NAME_LENGTH_MAX = 512;

/** @throws EventlakeError `invalid`. */
export function checkId(id: string, topic: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (id.length >= 1 && id.length <= NAME_LENGTH_MAX && !/[\x00-\x1f]/.test(id)) return;
  throw new EventlakeError(
    'invalid',
    `${JSON.stringify(id.slice(0, 80))} is no name for a consumer or source`,
    { topic },
    `Use 1 to ${NAME_LENGTH_MAX} characters without control characters.`,
  );
}

/** @throws EventlakeError `invalid`. */
export function checkRange(topic: string, { partition, from, to }: OffsetRange, partitions: number): void {
  const isOffset = (value: number) => Number.isSafeInteger(value) && value >= 0;
  if (
    Number.isInteger(partition) &&
    partition >= 0 &&
    partition < partitions &&
    isOffset(from) &&
    isOffset(to)
  )
    return;
  throw new EventlakeError('invalid', `There is no range ${from} to ${to} of partition ${partition}`, {
    topic,
    partition,
  });
}

/** @throws EventlakeError `invalid`. */
export function checkPositions(topic: string, partitions: number, positions: readonly number[]): void {
  if (
    positions.length === partitions &&
    positions.every((value) => Number.isSafeInteger(value) && value >= 0)
  )
    return;
  throw new EventlakeError(
    'invalid',
    `Positions are ${partitions} offsets, one a partition, not ${JSON.stringify(positions)}`,
    { topic },
  );
}

/** Kafka's rule for names, so that a topic may move there. @throws EventlakeError `invalid`. */
export function checkTopicName(topic: string): void {
  if (/^[a-zA-Z0-9._-]{1,249}$/.test(topic) && topic !== '.' && topic !== '..') return;
  throw new EventlakeError(
    'invalid',
    `${JSON.stringify(topic.slice(0, 80))} is no name for a topic`,
    { topic },
    'Use 1 to 249 letters, digits, dots, underscores and dashes.',
  );
}

/** @throws EventlakeError `invalid`. */
export function checkPartitions(topic: string, partitions: number): void {
  if (Number.isInteger(partitions) && partitions >= 1 && partitions <= PARTITIONS_MAX) return;
  throw new EventlakeError(
    'invalid',
    `A topic has 1 to ${PARTITIONS_MAX} partitions, not ${partitions}`,
    { topic },
    'Set log.partitions.',
  );
}

export function otherPartitions(topic: string, found: number, wanted: number): EventlakeError {
  return new EventlakeError(
    'invalid',
    `The topic has ${found} partitions, not ${wanted}`,
    { topic },
    `Partitions cannot be changed, since keys would move: set log.partitions to ${found}, or use another topic.`,
  );
}

export function madeAnew(topic: string): EventlakeError {
  return new EventlakeError(
    'not-found',
    'The topic was deleted and made anew meanwhile',
    { topic },
    'Start again with the new topic: offsets and positions of the old one mean nothing there.',
  );
}

export function beyondEnd(topic: string, partition: number, to: number, endOffset: number): EventlakeError {
  return new EventlakeError(
    'invalid',
    `There are no records up to offset ${to}: the log of this partition ends at ${endOffset}`,
    { topic, partition, offset: to },
    'Has the log been made anew? Then the positions that belong to the old one must go too.',
  );
}

/** @param start first offset that is left of what was asked for */
export function removedByRetention(
  topic: string,
  partition: number,
  from: number,
  start: number,
): EventlakeError {
  return new EventlakeError(
    'data-loss',
    `${start - from} records are gone: offsets ${from} to ${start - 1} were removed by retention before they were read`,
    { topic, partition, offset: from },
    'Raise log.retentionHours or log.retentionBytesMax, and let the reader go on from the first offset that is kept.',
  );
}

import { EventlakeError } from '../../errors.js';
import type { Environment } from './environment.js';
import type { TopicRecord } from './tables.js';

/** Where a partition begins and ends. All partitions of a topic are one value, so that one look-up answers a poll. */
export interface PartitionEnds {
  startOffset: number;
  endOffset: number;
  /** Append time of the last record; the next one's is not smaller, also when the clock steps back. */
  lastTimestampMs: number;
  /** Of the stored blocks. */
  bytes: number;
}

const FIELDS = ['startOffset', 'endOffset', 'lastTimestampMs', 'bytes'] as const;
const BYTES_EACH = 8 * FIELDS.length;

export function noRecords(partitions: number): PartitionEnds[] {
  return Array.from({ length: partitions }, () => ({
    startOffset: 0,
    endOffset: 0,
    lastTimestampMs: 0,
    bytes: 0,
  }));
}

export function putEnds(env: Environment, topicNumber: number, ends: readonly PartitionEnds[]): void {
  const bytes = Buffer.allocUnsafeSlow(BYTES_EACH * ends.length);
  ends.forEach((of, i) => {
    for (const [j, field] of FIELDS.entries()) bytes.writeDoubleLE(of[field], BYTES_EACH * i + 8 * j);
  });
  env.ends.put(topicNumber, bytes);
}

/** @throws EventlakeError `corrupt`. */
export function getEnds(
  env: Environment,
  topic: string,
  { number, partitions }: TopicRecord,
): PartitionEnds[] {
  const bytes = env.ends.getBinaryFast(number);
  if (bytes?.length !== BYTES_EACH * partitions) throw corrupt(topic);
  return Array.from({ length: partitions }, (_, i) => {
    const [startOffset, endOffset, lastTimestampMs, size] = FIELDS.map((_, j) =>
      bytes.readDoubleLE(BYTES_EACH * i + 8 * j),
    );
    if (!(startOffset! >= 0 && endOffset! >= startOffset! && lastTimestampMs! >= 0 && size! >= 0))
      throw corrupt(topic, i);
    return {
      startOffset: startOffset!,
      endOffset: endOffset!,
      lastTimestampMs: lastTimestampMs!,
      bytes: size!,
    };
  });
}

function corrupt(topic: string, partition?: number): EventlakeError {
  return new EventlakeError(
    'corrupt',
    'The stored ends of a topic make no sense',
    { topic, ...(partition !== undefined && { partition }) },
    'Restore the log folder from a copy, or move it away to begin with an empty log.',
  );
}

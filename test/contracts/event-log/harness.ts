import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { EventLog, RecordBlock, TopicOptions } from '../../../packages/eventlake/src/log/event-log.js';

export interface EventLogHarness {
  /** Opens the one log that all tests share, each time as another process would. */
  open(options?: { now?: () => number }): Promise<EventLog>;
  /** How a child process opens that log: built module, exported function, its argument. */
  child: { module: string; open: string; options: unknown };
  /** Whether appended times come from the clock that `open` is given; otherwise from a server's. */
  ownClock: boolean;
  /**
   * Whether the log itself decides what retention removes, so that it never overtakes a consumer and is done when
   * `enforceRetention` returns; otherwise a server does, when it likes and whoever has read it.
   */
  ownRetention: boolean;
  /** Removes the records before `offset` as retention would; where the log's own retention does not do it. */
  removeBefore?(topic: string, partition: number, offset: number): Promise<void>;
  /** Whether an append without a source is all or nothing, also when its producer is killed; otherwise by partition. */
  wholeAppends: boolean;
}

/** The log and a topic of its own. */
export async function logWithTopic(
  harness: EventLogHarness,
  { partitions = 3, now, ...retention }: Partial<TopicOptions> & { now?: () => number } = {},
): Promise<{ log: EventLog; topic: string }> {
  const log = await opened(harness, now && { now });
  const topic = newTopicName();
  await log.createTopic(topic, { partitions, ...retention });
  return { log, topic };
}

export async function opened(harness: EventLogHarness, options?: { now?: () => number }): Promise<EventLog> {
  const log = await harness.open(options);
  onTestFinished(() => log.close());
  return log;
}

export function newTopicName(): string {
  return `topic-${randomUUID()}`;
}

export interface ReadRecord {
  partition: number;
  offset: number;
  timestampMs: number;
  value: string | null;
  key?: string | null;
  headers?: Readonly<Record<string, string>>;
}

/** Everything that the topic keeps, partition by partition, in the order of offsets. */
export async function readAll(
  log: EventLog,
  topic: string,
  options: { blockBytesMax?: number; keysAndHeaders?: boolean } = {},
): Promise<ReadRecord[]> {
  const { partitions } = await log.topic(topic);
  const records: ReadRecord[] = [];
  for (const { partition, startOffset, endOffset } of partitions) {
    for await (const block of log.read(topic, { partition, from: startOffset, to: endOffset }, options)) {
      records.push(...recordsOf(block));
    }
  }
  return records;
}

export function recordsOf(block: RecordBlock): ReadRecord[] {
  return Array.from({ length: block.count }, (_, i) => ({
    partition: block.partition,
    offset: block.offsets[i]!,
    timestampMs: block.timestampsMs[i]!,
    value: block.nullValues?.has(i) ? null : Buffer.from(bytesOf(block, i)).toString(),
    ...(block.keys && { key: block.keys[i]! }),
    ...(block.headers?.has(i) && { headers: block.headers.get(i)! }),
  }));
}

export function bytesOf(block: RecordBlock, i: number): Uint8Array {
  return block.values.subarray(block.bounds[i], block.bounds[i + 1]);
}

export function values(records: readonly ReadRecord[]): (string | null)[] {
  return records.map(({ value }) => value);
}

/** `prefix-0`, `prefix-1`, … */
export function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
}

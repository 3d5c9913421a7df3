import { blockHeader } from './block.js';
import { getEnds, type PartitionEnds, putEnds } from './ends.js';
import type { Environment } from './environment.js';
import { blockKey } from './keys.js';
import { storedBytes } from './stored-bytes.js';
import type { TopicRecord } from './tables.js';

/** In one transaction, so that producers never wait long for the lock. */
const BLOCKS_AT_ONCE = 64;

interface Head {
  partition: number;
  count: number;
  timestampMs: number;
  bytes: number;
}

/** Removes a bounded number of blocks, the oldest of all partitions first. @returns Removed records; 0: nothing is left to do. */
export async function removeOldest(
  env: Environment,
  topic: string,
  nowMs: number,
  force: boolean,
): Promise<number> {
  return env.write(() => {
    const record = env.topics.get(topic);
    if (!record) return 0;
    const ends = getEnds(env, topic, record);
    const limits = force ? ends.map(({ endOffset }) => endOffset) : readByAll(env, record, ends);
    const heads = ends.map((_, partition) => headOf(env, record, ends, partition));
    let removed = 0;
    for (let i = 0; i < BLOCKS_AT_ONCE; i++) {
      const head = oldest(heads, ends, limits);
      if (!head || !isDue(head, record, ends, nowMs)) break;
      const of = ends[head.partition]!;
      env.blocks.remove(blockKey(record.number, head.partition, of.startOffset));
      of.startOffset += head.count;
      of.bytes -= head.bytes;
      removed += head.count;
      heads[head.partition] = headOf(env, record, ends, head.partition);
    }
    if (removed > 0) putEnds(env, record.number, ends);
    return removed;
  });
}

function isDue(
  { timestampMs }: Head,
  record: TopicRecord,
  ends: readonly PartitionEnds[],
  nowMs: number,
): boolean {
  const { retentionHours = Number.POSITIVE_INFINITY, retentionBytesMax = Number.POSITIVE_INFINITY } = record;
  return (
    timestampMs < nowMs - retentionHours * 3_600_000 ||
    ends.reduce((sum, { bytes }) => sum + bytes, 0) > retentionBytesMax
  );
}

/** The oldest block that everybody has read. */
function oldest(
  heads: readonly (Head | undefined)[],
  ends: readonly PartitionEnds[],
  limits: readonly number[],
): Head | undefined {
  return heads
    .filter((head) => head !== undefined)
    .filter(({ partition, count }) => ends[partition]!.startOffset + count <= limits[partition]!)
    .sort((a, b) => a.timestampMs - b.timestampMs)[0];
}

function headOf(
  env: Environment,
  { number }: TopicRecord,
  ends: readonly PartitionEnds[],
  partition: number,
): Head | undefined {
  const { startOffset, endOffset } = ends[partition]!;
  if (startOffset === endOffset) return undefined;
  const bytes = storedBytes(env.blocks, blockKey(number, partition, startOffset));
  return bytes && { partition, ...blockHeader(bytes), bytes: bytes.length };
}

/** Per partition, the offset up to which every consumer has come. */
function readByAll(env: Environment, { number }: TopicRecord, ends: readonly PartitionEnds[]): number[] {
  const limits = ends.map(({ endOffset }) => endOffset);
  const range = { start: [number, ''] as [number, string], end: [number + 1, ''] as [number, string] };
  for (const { value } of env.positions.getRange(range)) {
    for (const [i, limit] of limits.entries()) limits[i] = Math.min(limit, value[i] ?? 0);
  }
  return limits;
}

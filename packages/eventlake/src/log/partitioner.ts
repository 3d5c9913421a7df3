import type { RecordBatch } from './event-log.js';

const encoder = new TextEncoder();

/**
 * The rows of a batch by partition, each list in the batch's order. Keys go where Kafka's default partitioner puts them,
 * so that a topic keeps its order by key whoever produces; rows without a key go to `stickyPartition` together.
 */
export function rowsByPartition(batch: RecordBatch, partitions: number, stickyPartition: number): number[][] {
  const rows: number[][] = Array.from({ length: partitions }, () => []);
  // A batch has few different keys as a rule: hash each once.
  const rowsOfKey = new Map<string, number[]>();
  for (let row = 0; row < batch.count; row++) {
    const key = batch.keys[row]!;
    if (key === null) {
      rows[stickyPartition]!.push(row);
      continue;
    }
    let place = rowsOfKey.get(key);
    if (!place) {
      place = rows[partitionOf(key, partitions)]!;
      rowsOfKey.set(key, place);
    }
    place.push(row);
  }
  return rows;
}

/** Kafka's `BuiltInPartitioner.partitionForKey`: murmur2 of the key's UTF-8, without the sign bit, modulo. */
export function partitionOf(key: string, partitions: number): number {
  return (murmur2(encoder.encode(key)) & 0x7fffffff) % partitions;
}

/** `org.apache.kafka.common.utils.Utils.murmur2`. @returns A signed 32-bit integer. */
export function murmur2(data: Uint8Array): number {
  const m = 0x5bd1e995;
  const length = data.length;
  let h = 0x9747b28c ^ length;
  const whole = length & ~3;
  for (let i = 0; i < whole; i += 4) {
    let k = data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24);
    k = Math.imul(k, m);
    k ^= k >>> 24;
    h = Math.imul(h, m) ^ Math.imul(k, m);
  }
  const rest = length - whole;
  if (rest === 3) h ^= data[whole + 2]! << 16;
  if (rest >= 2) h ^= data[whole + 1]! << 8;
  if (rest >= 1) h = Math.imul(h ^ data[whole]!, m);
  h ^= h >>> 13;
  h = Math.imul(h, m);
  return h ^ (h >>> 15);
}

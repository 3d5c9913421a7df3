import { crc32 } from 'node:zlib';
import { EventlakeError } from '../errors.js';

/**
 * A compact, exact-enough set of 63-bit hashes: which ids a range of silver may hold. Pure; no I/O.
 *
 * Hashes lie in buckets by their highest bits, about 16 a bucket, each as its lowest 32 bits: 4.25 bytes an id. What was
 * put in is always found; what was not is found by mistake once in 2^28. Bloom filters of that quality are larger.
 *
 * Bytes, little-endian: magic (8), guard (8), bucketBits (u32), count (u32), crc32 of what follows (u32), zero (u32),
 * bucket ends (u32 × 2^bucketBits), low words (u32 × count).
 */
export interface IdSet {
  readonly count: number;
  readonly bucketBits: number;
  readonly ends: Uint32Array;
  readonly lows: Uint32Array;
}

const MAGIC = 0x31736469_6c65n; // 'elids1'
const HEADER_BYTES = 32;
const HIGH_BITS = 31;

/** `hashes`: at least 0, at most 63 bits. */
export function buildIdSet(hashes: BigInt64Array): IdSet {
  const words = wordsOf(hashes);
  const count = hashes.length;
  const bucketBits = Math.min(HIGH_BITS - 1, Math.max(0, Math.ceil(Math.log2(Math.max(1, count / 16)))));
  const shift = HIGH_BITS - bucketBits;
  const next = new Uint32Array(2 ** bucketBits);
  for (let i = 1; i < words.length; i += 2) next[words[i]! >>> shift]!++;
  let start = 0;
  for (let bucket = 0; bucket < next.length; bucket++) {
    const size = next[bucket]!;
    next[bucket] = start;
    start += size;
  }
  const lows = new Uint32Array(count);
  for (let i = 0; i < words.length; i += 2) lows[next[words[i + 1]! >>> shift]!++] = words[i]!;
  // Each bucket's next place is its end by now.
  return { count, bucketBits, ends: next, lows };
}

/** Whether any of the hashes is in the set. Sorted hashes are probed several times faster: see `sortHashes`. */
export function holdsAny(set: IdSet, hashes: BigInt64Array): boolean {
  const words = wordsOf(hashes);
  const shift = HIGH_BITS - set.bucketBits;
  const { ends, lows } = set;
  for (let i = 0; i < words.length; i += 2) {
    const low = words[i]!;
    const bucket = words[i + 1]! >>> shift;
    for (let at = bucket === 0 ? 0 : ends[bucket - 1]!, end = ends[bucket]!; at < end; at++) {
      if (lows[at] === low) return true;
    }
  }
  return false;
}

/** In ascending order, so that neighbours fall into neighbouring buckets. Sorts in place. */
export function sortHashes(hashes: BigInt64Array): BigInt64Array {
  return hashes.sort();
}

/** @param guard The hash of a text that is always the same: another engine or version that hashes otherwise is seen by it. */
export function encodeIdSet(set: IdSet, guard: bigint): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + set.ends.byteLength + set.lows.byteLength);
  bytes.set(bytesOf(set.ends), HEADER_BYTES);
  bytes.set(bytesOf(set.lows), HEADER_BYTES + set.ends.byteLength);
  const header = new DataView(bytes.buffer);
  header.setBigUint64(0, MAGIC, true);
  header.setBigInt64(8, guard, true);
  header.setUint32(16, set.bucketBits, true);
  header.setUint32(20, set.count, true);
  header.setUint32(24, crc32(bytes.subarray(HEADER_BYTES)), true);
  return bytes;
}

/** Undefined where the bytes were made with another hash, or are damaged: the set has to be made anew. */
export function decodeIdSet(bytes: Uint8Array, guard: bigint): IdSet | undefined {
  if (bytes.byteLength < HEADER_BYTES) return undefined;
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (header.getBigUint64(0, true) !== MAGIC || header.getBigInt64(8, true) !== guard) return undefined;
  const bucketBits = header.getUint32(16, true);
  const count = header.getUint32(20, true);
  if (bucketBits >= HIGH_BITS || bytes.byteLength !== HEADER_BYTES + 4 * 2 ** bucketBits + 4 * count)
    return undefined;
  if (header.getUint32(24, true) !== crc32(bytes.subarray(HEADER_BYTES))) return undefined;
  const lowsAt = HEADER_BYTES + 4 * 2 ** bucketBits;
  return {
    count,
    bucketBits,
    ends: u32(bytes, HEADER_BYTES, 2 ** bucketBits),
    lows: u32(bytes, lowsAt, count),
  };
}

/** Low word and high word of each hash. */
function wordsOf(hashes: BigInt64Array): Uint32Array {
  return new Uint32Array(hashes.buffer, hashes.byteOffset, hashes.length * 2);
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

function u32(bytes: Uint8Array, at: number, length: number): Uint32Array {
  const start = bytes.byteOffset + at;
  return start % 4 === 0
    ? new Uint32Array(bytes.buffer, start, length)
    : new Uint32Array(bytes.slice(at, at + 4 * length).buffer);
}

if (new Uint8Array(new Uint32Array([1]).buffer)[0] !== 1) {
  throw new EventlakeError('invalid', 'eventlake needs a little-endian processor');
}

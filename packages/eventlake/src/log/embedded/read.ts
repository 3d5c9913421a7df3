import { EventlakeError } from '../../errors.js';
import { beyondEnd, removedByRetention } from '../checks.js';
import type { OffsetRange, RecordBlock } from '../event-log.js';
import { decodeBlock, type StoredBlock } from './block.js';
import { getEnds } from './ends.js';
import type { Environment } from './environment.js';
import { blockKey, isOfPartition, keyOffset } from './keys.js';
import { storedBytes } from './stored-bytes.js';
import type { TopicRecord } from './tables.js';

/** The next records of the range, of about `blockBytesMax`, copied out of the map: nothing is pinned when it returns. */
export function readBlock(
  env: Environment,
  topic: string,
  record: TopicRecord,
  { partition, from, to }: OffsetRange,
  { blockBytesMax, keysAndHeaders }: { blockBytesMax: number; keysAndHeaders: boolean },
): RecordBlock {
  const { startOffset, endOffset } = getEnds(env, topic, record)[partition]!;
  if (to > endOffset) throw beyondEnd(topic, partition, to, endOffset);
  if (from < startOffset) throw removedByRetention(topic, partition, from, Math.min(startOffset, to));
  const output = new BlockBuilder(partition, blockBytesMax, keysAndHeaders);
  let baseOffset = from === startOffset ? from : blockHolding(env, record.number, partition, from);
  for (let next = from; next < to; ) {
    const bytes =
      baseOffset === undefined
        ? undefined
        : storedBytes(env.blocks, blockKey(record.number, partition, baseOffset));
    if (bytes && !output.hasRoomFor(bytes)) break;
    const stored = bytes && decodeBlock(bytes, baseOffset!, keysAndHeaders);
    if (!stored || next >= baseOffset! + stored.count) {
      // What comes before it is handed out first.
      if (next > from) break;
      throw corrupt(topic, partition, next);
    }
    output.add(stored, next - baseOffset!, Math.min(stored.count, to - baseOffset!), to - next);
    next = baseOffset! + stored.count;
    baseOffset = next;
  }
  return output.finish();
}

/** First offset of the block that would hold this offset. */
function blockHolding(
  env: Environment,
  topic: number,
  partition: number,
  offset: number,
): number | undefined {
  const range = { start: blockKey(topic, partition, offset), reverse: true, limit: 1, snapshot: false };
  for (const key of env.blocks.getKeys(range) as Iterable<Buffer>) {
    if (isOfPartition(key, topic, partition)) return keyOffset(key);
  }
  return undefined;
}

/** Of one block: empty values would never fill it. */
const RECORDS_MAX = 2 ** 20;

/** Joins stored blocks into one that is handed out. */
class BlockBuilder {
  #values = Buffer.alloc(0);
  #bytes = 0;
  readonly #parts: { bounds: Uint32Array; offset: number; timestampMs: number }[] = [];
  #count = 0;
  readonly #nullValues = new Set<number>();
  readonly #keys: (string | null)[] = [];
  readonly #headers = new Map<number, Readonly<Record<string, string>>>();

  constructor(
    readonly partition: number,
    readonly bytesMax: number,
    readonly keysAndHeaders: boolean,
  ) {}

  /** Whether this stored block may follow. The first one always may, whatever its size. */
  hasRoomFor(stored: Uint8Array): boolean {
    return this.#count === 0 || (this.#bytes + stored.length <= this.bytesMax && this.#count < RECORDS_MAX);
  }

  /**
   * Takes rows `first` to `last` (exclusive) of a stored block.
   * @param wanted Records that are still to come, this block's included: what space is worth making.
   */
  add(block: StoredBlock, first: number, last: number, wanted: number): void {
    const { bounds } = block;
    const from = bounds[first]!;
    const bytes = bounds[last]! - from;
    this.#reserve(bytes, (bytes / (last - first)) * wanted);
    this.#values.set(block.values.subarray(from, bounds[last]), this.#bytes);
    const shift = this.#bytes - from;
    const shifted = new Uint32Array(last - first);
    for (let i = 0; i < shifted.length; i++) shifted[i] = bounds[first + i]! + shift;
    this.#parts.push({ bounds: shifted, offset: block.baseOffset + first, timestampMs: block.timestampMs });
    for (const row of block.nullValues ?? []) {
      if (row >= first && row < last) this.#nullValues.add(this.#count + row - first);
    }
    if (this.keysAndHeaders) this.#addKeysAndHeaders(block, first, last);
    this.#bytes += bytes;
    this.#count += last - first;
  }

  /** Makes room at once for what is likely to come, as far as a block may grow. */
  #reserve(bytes: number, likelyBytes: number): void {
    const needed = this.#bytes + bytes;
    if (needed <= this.#values.length) return;
    const roomy = Math.min(this.bytesMax, Math.max(this.#bytes + Math.ceil(likelyBytes), 2 * this.#bytes));
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, roomy));
    grown.set(this.#values.subarray(0, this.#bytes));
    this.#values = grown;
  }

  #addKeysAndHeaders({ keys, headers }: StoredBlock, first: number, last: number): void {
    for (let row = first; row < last; row++) this.#keys.push(keys ? keys[row]! : null);
    for (const [row, of] of headers ?? []) {
      if (row >= first && row < last) this.#headers.set(this.#count + row - first, of);
    }
  }

  finish(): RecordBlock {
    const bounds = new Uint32Array(this.#count + 1);
    const offsets = new Float64Array(this.#count);
    const timestampsMs = new Float64Array(this.#count);
    let row = 0;
    for (const part of this.#parts) {
      bounds.set(part.bounds, row);
      timestampsMs.fill(part.timestampMs, row, row + part.bounds.length);
      for (let i = 0; i < part.bounds.length; i++) offsets[row + i] = part.offset + i;
      row += part.bounds.length;
    }
    bounds[row] = this.#bytes;
    return {
      partition: this.partition,
      count: this.#count,
      values: this.#values.subarray(0, this.#bytes),
      bounds,
      offsets,
      timestampsMs,
      ...(this.#nullValues.size > 0 && { nullValues: this.#nullValues }),
      ...(this.keysAndHeaders && { keys: this.#keys, headers: this.#headers }),
    };
  }
}

function corrupt(topic: string, partition: number, offset: number): EventlakeError {
  return new EventlakeError(
    'corrupt',
    `The stored records from offset ${offset} on are not what was written`,
    { topic, partition, offset },
    'Restore the log folder from a copy. The disk may be failing.',
  );
}

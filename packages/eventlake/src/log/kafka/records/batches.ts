import { COMPRESSIONS, type Compression } from '../compression/codec.js';
import { BATCH_HEADER_BYTES } from './encode.js';

/** The header of a record batch of message format 2: https://kafka.apache.org/documentation/#recordbatch */
export interface BatchHeader {
  /** Where the batch begins in the bytes, and where it ends. */
  at: number;
  end: number;
  baseOffset: number;
  lastOffset: number;
  magic: number;
  crc: number;
  compression: Compression | undefined;
  isLogAppendTime: boolean;
  isTransactional: boolean;
  isControl: boolean;
  baseTimestampMs: number;
  maxTimestampMs: number;
  producerId: bigint;
  count: number;
}

/** The whole batches in what a broker sent; it may have cut the last one. */
export function batchesIn(bytes: Buffer): BatchHeader[] {
  const found: BatchHeader[] = [];
  for (let at = 0; at + BATCH_HEADER_BYTES <= bytes.length; ) {
    const end = at + 12 + bytes.readInt32BE(at + 8);
    if (end > bytes.length || end < at + BATCH_HEADER_BYTES) break;
    const baseOffset = Number(bytes.readBigInt64BE(at));
    const attributes = bytes.readInt16BE(at + 21);
    found.push({
      at,
      end,
      baseOffset,
      lastOffset: baseOffset + bytes.readInt32BE(at + 23),
      magic: bytes.readInt8(at + 16),
      crc: bytes.readUInt32BE(at + 17),
      compression: COMPRESSIONS[attributes & 7],
      isLogAppendTime: (attributes & 8) !== 0,
      isTransactional: (attributes & 16) !== 0,
      isControl: (attributes & 32) !== 0,
      baseTimestampMs: Number(bytes.readBigInt64BE(at + 27)),
      maxTimestampMs: Number(bytes.readBigInt64BE(at + 35)),
      producerId: bytes.readBigInt64BE(at + 43),
      count: bytes.readInt32BE(at + 57),
    });
    at = end;
  }
  return found;
}

/** Whether the marker that a control batch holds says commit or abort; undefined: something else. */
export function markerOf(bytes: Buffer, { at, end }: BatchHeader): 'commit' | 'abort' | undefined {
  // Length, attributes, time and offset deltas of one byte each at least; then the key: version and type.
  const record = bytes.subarray(at + BATCH_HEADER_BYTES, end);
  let place = 0;
  const skipVarint = () => {
    while (record[place++]! >= 128);
  };
  skipVarint();
  place += 1;
  skipVarint();
  skipVarint();
  skipVarint();
  const type = record.length >= place + 4 ? record.readInt16BE(place + 2) : -1;
  return type === 0 ? 'abort' : type === 1 ? 'commit' : undefined;
}

/**
 * Which batches of one answer belong to transactions that were aborted. What the broker names covers everything that the
 * answer holds, so nothing is remembered from one answer to the next: a transaction may span any number of them, and an
 * answer any number of transactions.
 */
export class AbortedTransactions {
  readonly #upcoming: { producerId: bigint; firstOffset: number }[];
  readonly #aborting = new Set<bigint>();

  constructor(aborted: readonly { producerId: bigint; firstOffset: number }[]) {
    this.#upcoming = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  }

  /** To be asked for each batch, in order, control batches too. */
  includes(bytes: Buffer, batch: BatchHeader): boolean {
    while (this.#upcoming.length > 0 && this.#upcoming[0]!.firstOffset <= batch.lastOffset)
      this.#aborting.add(this.#upcoming.shift()!.producerId);
    if (batch.isControl) {
      if (markerOf(bytes, batch) === 'abort') this.#aborting.delete(batch.producerId);
      return false;
    }
    return batch.isTransactional && this.#aborting.has(batch.producerId);
  }
}

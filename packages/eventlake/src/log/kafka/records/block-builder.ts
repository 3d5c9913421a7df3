import type { RecordBlock } from '../../event-log.js';
import type { BatchHeader } from './batches.js';

/** Of one block: empty values would never fill it. */
const RECORDS_MAX = 2 ** 20;

/** Turns record batches into blocks of about `bytesMax`; what a block was given it keeps, whatever is read later. */
export class BlockBuilder {
  #values = new Uint8Array(0);
  #bytes = 0;
  #count = 0;
  #bounds = new Uint32Array(0);
  #offsets = new Float64Array(0);
  #timestampsMs = new Float64Array(0);
  #nullValues = new Set<number>();
  #keys: (string | null)[] = [];
  #headers = new Map<number, Readonly<Record<string, string>>>();
  readonly #finished: RecordBlock[] = [];

  constructor(
    readonly partition: number,
    readonly bytesMax: number,
    readonly keysAndHeaders: boolean,
  ) {}

  /**
   * Takes the records of a batch with `from <= offset < to`.
   * @param bytes the batch's records, no longer compressed, from `start` on
   * @throws RangeError where the bytes are no records
   */
  add(bytes: Buffer, start: number, header: BatchHeader, from: number, to: number): void {
    const { baseOffset, isLogAppendTime, baseTimestampMs, maxTimestampMs } = header;
    // No Buffer: taking a part of one costs several times as much, and every record is a part.
    const source = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    at = start;
    for (let i = 0; i < header.count; i++) {
      const length = varint(source);
      const end = at + length;
      if (length < 0 || end > bytes.length) throw new RangeError('a record is cut');
      at += 1;
      const timestampMs = baseTimestampMs + varint(source);
      const offset = baseOffset + varint(source);
      if (offset < from || offset >= to) {
        at = end;
        continue;
      }
      const keyLength = varint(source);
      const keyAt = at;
      if (keyLength > 0) at += keyLength;
      const valueLength = varint(source);
      const valueAt = at;
      if (valueLength > 0) at += valueLength;
      if (at > end) throw new RangeError('a record is longer than it says');
      if (this.#count > 0 && (this.#bytes + valueLength > this.bytesMax || this.#count === RECORDS_MAX))
        this.#finish();
      const row = this.#count;
      if (row + 1 >= this.#bounds.length) this.#growRows(header.count - i);
      if (valueLength > 0) {
        if (this.#bytes + valueLength > this.#values.length)
          this.#growValues(valueLength, bytes.length - valueAt);
        this.#values.set(source.subarray(valueAt, valueAt + valueLength), this.#bytes);
        this.#bytes += valueLength;
      } else if (valueLength < 0) this.#nullValues.add(row);
      this.#offsets[row] = offset;
      this.#timestampsMs[row] = isLogAppendTime ? maxTimestampMs : timestampMs;
      this.#bounds[row + 1] = this.#bytes;
      if (this.keysAndHeaders) {
        this.#keys.push(keyLength < 0 ? null : bytes.toString('utf8', keyAt, keyAt + keyLength));
        const headers = readHeaders(bytes);
        if (headers) this.#headers.set(row, headers);
      }
      this.#count = row + 1;
      at = end;
    }
  }

  /** The blocks that are full. */
  take(): RecordBlock[] {
    return this.#finished.splice(0);
  }

  /** All that is left. */
  takeRest(): RecordBlock[] {
    if (this.#count > 0) this.#finish();
    return this.take();
  }

  #finish(): void {
    this.#finished.push({
      partition: this.partition,
      count: this.#count,
      values: this.#values.subarray(0, this.#bytes),
      bounds: this.#bounds.subarray(0, this.#count + 1),
      offsets: this.#offsets.subarray(0, this.#count),
      timestampsMs: this.#timestampsMs.subarray(0, this.#count),
      ...(this.#nullValues.size > 0 && { nullValues: this.#nullValues }),
      ...(this.keysAndHeaders && { keys: this.#keys, headers: this.#headers }),
    });
    this.#values = new Uint8Array(0);
    this.#bytes = 0;
    this.#count = 0;
    this.#bounds = new Uint32Array(0);
    this.#offsets = new Float64Array(0);
    this.#timestampsMs = new Float64Array(0);
    this.#nullValues = new Set();
    this.#keys = [];
    this.#headers = new Map();
  }

  /** Makes room at once for what is likely to come, as far as a block may grow. */
  #growValues(needed: number, likely: number): void {
    const roomy = Math.min(this.bytesMax, this.#bytes + Math.max(likely, this.#bytes));
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes + needed, roomy));
    grown.set(this.#values.subarray(0, this.#bytes));
    this.#values = new Uint8Array(grown.buffer, grown.byteOffset, grown.length);
  }

  #growRows(likely: number): void {
    const rows = Math.min(RECORDS_MAX, this.#count + Math.max(likely, this.#count, 16)) + 1;
    const bounds = new Uint32Array(rows);
    bounds.set(this.#bounds);
    this.#bounds = bounds;
    const offsets = new Float64Array(rows);
    offsets.set(this.#offsets);
    this.#offsets = offsets;
    const timestampsMs = new Float64Array(rows);
    timestampsMs.set(this.#timestampsMs);
    this.#timestampsMs = timestampsMs;
  }
}

/** Where the next byte is read: of the module, since a record has ten varints and each is a call. */
let at = 0;

/** A signed varint or varlong; exact up to 2^53. */
function varint(bytes: Uint8Array): number {
  const first = bytes[at++]!;
  if (first < 128) return (first >>> 1) ^ -(first & 1);
  let value = first & 127;
  let shift = 7;
  for (; shift < 28; shift += 7) {
    const byte = bytes[at++]!;
    value |= (byte & 127) << shift;
    if (byte < 128) return (value >>> 1) ^ -(value & 1);
  }
  for (let factor = 2 ** 28; shift < 70; shift += 7, factor *= 128) {
    const byte = bytes[at++]!;
    value += (byte & 127) * factor;
    if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
  throw new RangeError('a varint that does not end');
}

function readHeaders(bytes: Buffer): Record<string, string> | undefined {
  const count = varint(bytes);
  if (count <= 0) return undefined;
  const headers: Record<string, string> = {};
  for (let i = 0; i < count; i++) {
    const name = readText(bytes) ?? '';
    headers[name] = readText(bytes) ?? '';
  }
  return headers;
}

function readText(bytes: Buffer): string | undefined {
  const length = varint(bytes);
  if (length < 0) return undefined;
  at += length;
  return bytes.toString('utf8', at - length, at);
}

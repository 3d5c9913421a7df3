import { crc32 } from 'node:zlib';
import type { RecordBatch } from '../event-log.js';

/*
 * A block as it is stored, little-endian:
 *   0  u32 CRC-32 of the body (from 32), then of the header (4 to 32)
 *   4  u8  format, 1         5  u8 flags      6  u16 zero
 *   8  u32 records          12  u32 bytes of all values
 *  16  f64 offset of the first record; the others follow without gaps
 *  24  f64 append time of all its records, milliseconds since 1970
 *  32  u32 × (records + 1): bounds; where keys are stored, u32 × records: each one's place in the list of keys, or none
 *      the values, one after the other
 *      where flagged, JSON with the list of different keys, the headers and the rows without a value
 */
const HEADER_BYTES = 32;
const FORMAT = 1;
const HAS_KEYS = 1;
const HAS_EXTRAS = 2;
const HAS_NULL_VALUES = 4;
const NO_KEY = 0xffffffff;

interface Extras {
  keys?: string[];
  headers?: [row: number, headers: Readonly<Record<string, string>>][];
  nullValues?: number[];
}

/** A block that still lacks its offset and time, which are known only in the transaction that appends it. */
export interface NewBlock {
  bytes: Buffer;
  count: number;
  bodyCrc: number;
}

export interface StoredBlock {
  count: number;
  baseOffset: number;
  timestampMs: number;
  /** count + 1 positions in `values`. */
  bounds: Uint32Array;
  values: Uint8Array;
  keys: (string | null)[] | undefined;
  headers: Extras['headers'];
  nullValues: number[] | undefined;
}

/** These rows of the batch as blocks of at most about `valueBytesMax`. */
export function encodeBlocks(batch: RecordBatch, rows: readonly number[], valueBytesMax: number): NewBlock[] {
  const blocks: NewBlock[] = [];
  for (let from = 0; from < rows.length; ) {
    let to = from;
    let bytes = 0;
    do {
      bytes += batch.bounds[rows[to]! + 1]! - batch.bounds[rows[to]!]!;
      to++;
    } while (to < rows.length && bytes < valueBytesMax && to - from < RECORDS_MAX);
    blocks.push(encodeBlock(batch, rows.slice(from, to), bytes));
    from = to;
  }
  return blocks;
}

const RECORDS_MAX = 65_536;

function encodeBlock(batch: RecordBatch, rows: readonly number[], valueBytes: number): NewBlock {
  const { keyIndexes, extras } = extrasOf(batch, rows);
  const extrasBytes = extras ? Buffer.from(JSON.stringify(extras)) : undefined;
  const valuesAt = HEADER_BYTES + 4 * (rows.length + 1) + 4 * (keyIndexes?.length ?? 0);
  const bytes = Buffer.allocUnsafeSlow(valuesAt + valueBytes + (extrasBytes?.length ?? 0));
  bytes.writeUInt32LE(0, 0);
  bytes[4] = FORMAT;
  bytes[5] =
    (keyIndexes ? HAS_KEYS : 0) | (extrasBytes ? HAS_EXTRAS : 0) | (extras?.nullValues ? HAS_NULL_VALUES : 0);
  bytes.writeUInt16LE(0, 6);
  bytes.writeUInt32LE(rows.length, 8);
  bytes.writeUInt32LE(valueBytes, 12);
  const bounds = new Uint32Array(bytes.buffer, HEADER_BYTES, rows.length + 1);
  copyValues(batch, rows, bounds, bytes.subarray(valuesAt));
  if (keyIndexes)
    new Uint32Array(bytes.buffer, HEADER_BYTES + bounds.byteLength, rows.length).set(keyIndexes);
  extrasBytes?.copy(bytes, valuesAt + valueBytes);
  return { bytes, count: rows.length, bodyCrc: crc32(bytes.subarray(HEADER_BYTES)) };
}

/** Neighbours in the batch are copied in one go. */
function copyValues(batch: RecordBatch, rows: readonly number[], bounds: Uint32Array, target: Buffer): void {
  let written = 0;
  for (let i = 0; i < rows.length; ) {
    const first = rows[i]!;
    const runStart = batch.bounds[first]!;
    const shift = written - runStart;
    let next = first;
    for (; i < rows.length && rows[i] === next; i++, next++) bounds[i] = batch.bounds[next]! + shift;
    target.set(batch.values.subarray(runStart, batch.bounds[next]), written);
    written = batch.bounds[next]! + shift;
  }
  bounds[rows.length] = written;
}

function extrasOf(
  batch: RecordBatch,
  rows: readonly number[],
): { keyIndexes: Uint32Array | undefined; extras: Extras | undefined } {
  const extras: Extras = {};
  let keyIndexes: Uint32Array | undefined;
  if (rows.some((row) => batch.keys[row] !== null)) {
    const places = new Map<string, number>();
    keyIndexes = Uint32Array.from(rows, (row) => {
      const key = batch.keys[row]!;
      if (key === null) return NO_KEY;
      const place = places.get(key) ?? places.size;
      places.set(key, place);
      return place;
    });
    extras.keys = [...places.keys()];
  }
  if (batch.headers) {
    const headers = rows.flatMap((row, i) => {
      const of = batch.headers?.get(row);
      return of ? [[i, of] as [number, Readonly<Record<string, string>>]] : [];
    });
    if (headers.length > 0) extras.headers = headers;
  }
  if (batch.nullValues) {
    const nullValues = rows.flatMap((row, i) => (batch.nullValues?.has(row) ? [i] : []));
    if (nullValues.length > 0) extras.nullValues = nullValues;
  }
  return { keyIndexes, extras: Object.keys(extras).length > 0 ? extras : undefined };
}

/** Completes a block where its place and time are decided. */
export function stampBlock({ bytes, bodyCrc }: NewBlock, baseOffset: number, timestampMs: number): Buffer {
  bytes.writeDoubleLE(baseOffset, 16);
  bytes.writeDoubleLE(timestampMs, 24);
  bytes.writeUInt32LE(crc32(bytes.subarray(4, HEADER_BYTES), bodyCrc), 0);
  return bytes;
}

/** What retention needs to know of a block; the rest stays unread. */
export function blockHeader(bytes: Uint8Array): { count: number; timestampMs: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return { count: view.getUint32(8, true), timestampMs: view.getFloat64(24, true) };
}

/**
 * The block in these bytes, which it goes on using, or undefined where they are not what was written at `baseOffset`.
 * `full` decodes keys and headers too.
 */
export function decodeBlock(bytes: Uint8Array, baseOffset: number, full: boolean): StoredBlock | undefined {
  if (bytes.length < HEADER_BYTES + 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const crc = crc32(bytes.subarray(4, HEADER_BYTES), crc32(bytes.subarray(HEADER_BYTES)));
  if (crc !== view.getUint32(0, true) || bytes[4] !== FORMAT || view.getFloat64(16, true) !== baseOffset) {
    return undefined;
  }
  const flags = bytes[5]!;
  const count = view.getUint32(8, true);
  const boundsBytes = 4 * (count + 1);
  const valuesAt = HEADER_BYTES + boundsBytes + (flags & HAS_KEYS ? 4 * count : 0);
  const extrasAt = valuesAt + view.getUint32(12, true);
  const wanted = flags & HAS_NULL_VALUES || (full && flags & HAS_EXTRAS);
  const extras = wanted ? parseExtras(bytes, extrasAt) : {};
  return {
    count,
    baseOffset,
    timestampMs: view.getFloat64(24, true),
    bounds: integers(bytes, HEADER_BYTES, count + 1),
    values: bytes.subarray(valuesAt, extrasAt),
    keys:
      full && flags & HAS_KEYS
        ? keysOf(extras.keys ?? [], integers(bytes, HEADER_BYTES + boundsBytes, count))
        : undefined,
    headers: full ? extras.headers : undefined,
    nullValues: extras.nullValues,
  };
}

function parseExtras(bytes: Uint8Array, from: number): Extras {
  return JSON.parse(
    Buffer.from(bytes.buffer, bytes.byteOffset + from, bytes.length - from).toString(),
  ) as Extras;
}

function keysOf(list: readonly string[], indexes: Uint32Array): (string | null)[] {
  return Array.from(indexes, (index) => (index === NO_KEY ? null : list[index]!));
}

function integers(bytes: Uint8Array, at: number, count: number): Uint32Array {
  const start = bytes.byteOffset + at;
  if (start % 4 === 0) return new Uint32Array(bytes.buffer as ArrayBuffer, start, count);
  return new Uint32Array(bytes.slice(at, at + 4 * count).buffer, 0, count);
}

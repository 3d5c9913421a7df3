import type { RecordBatch } from '../../event-log.js';
import { COMPRESSIONS, type Compression, compress } from '../compression/codec.js';
import { crc32c } from '../compression/crc32c.js';

/** Rows of a batch that go to one partition. */
export interface Rows {
  batch: RecordBatch;
  rows: readonly number[];
  /** Bytes of their values, keys and headers, and what a record needs besides, at most. */
  bytesMax: number;
}

export interface ProducerState {
  producerId: bigint;
  epoch: number;
  /** Of the first record. */
  sequence: number;
  isTransactional: boolean;
}

export const BATCH_HEADER_BYTES = 61;
/** Varints of length, time, offset, key's and value's lengths and headers' count, and the attributes. */
const RECORD_OVERHEAD_BYTES = 32;

export function rowsOf(batch: RecordBatch, rows: readonly number[]): Rows {
  let bytesMax = rows.length * RECORD_OVERHEAD_BYTES;
  for (const row of rows) {
    bytesMax += batch.bounds[row + 1]! - batch.bounds[row]! + keyBytes(batch.keys[row]!).length;
    for (const [name, value] of headersOf(batch, row))
      bytesMax += Buffer.byteLength(name) + Buffer.byteLength(value) + 10;
  }
  return { batch, rows, bytesMax };
}

/**
 * One record batch of message format 2: https://kafka.apache.org/documentation/#recordbatch
 * Its time is `nowMs`; the log puts its own over it where the topic says so.
 */
export function encodeBatch(
  parts: readonly Rows[],
  producer: ProducerState,
  { compression, nowMs }: { compression: Compression; nowMs: number },
): Buffer {
  const count = parts.reduce((sum, { rows }) => sum + rows.length, 0);
  const plain = encodeRecords(parts);
  const packed = compress(compression, plain);
  // What does not get smaller goes as it is.
  const isPacked = compression !== 'none' && packed.length < plain.length;
  const body = isPacked ? packed : plain;
  const bytes = Buffer.allocUnsafe(BATCH_HEADER_BYTES + body.length);
  bytes.writeBigInt64BE(0n, 0);
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeInt32BE(-1, 12);
  bytes.writeInt8(2, 16);
  bytes.writeInt16BE(
    (isPacked ? COMPRESSIONS.indexOf(compression) : 0) | (producer.isTransactional ? 16 : 0),
    21,
  );
  bytes.writeInt32BE(count - 1, 23);
  bytes.writeBigInt64BE(BigInt(nowMs), 27);
  bytes.writeBigInt64BE(BigInt(nowMs), 35);
  bytes.writeBigInt64BE(producer.producerId, 43);
  bytes.writeInt16BE(producer.epoch, 51);
  bytes.writeInt32BE(producer.sequence, 53);
  bytes.writeInt32BE(count, 57);
  bytes.set(body, BATCH_HEADER_BYTES);
  bytes.writeUInt32BE(crc32c(bytes, 21), 17);
  return bytes;
}

function encodeRecords(parts: readonly Rows[]): Buffer {
  const out = Buffer.allocUnsafe(parts.reduce((sum, { bytesMax }) => sum + bytesMax, 0));
  let at = 0;
  let offsetDelta = 0;
  for (const { batch, rows } of parts) {
    const values = Buffer.from(batch.values.buffer, batch.values.byteOffset, batch.values.byteLength);
    for (const row of rows) {
      const key = batch.keys[row]!;
      const keyed = key === null ? undefined : keyBytes(key);
      const isNull = batch.nullValues?.has(row) ?? false;
      const from = batch.bounds[row]!;
      const length = batch.bounds[row + 1]! - from;
      const headers = batch.headers?.has(row) ? encodeHeaders(headersOf(batch, row)) : NO_HEADERS;
      const keyLength = keyed ? keyed.length : 0;
      const bytes =
        2 +
        varintBytes(offsetDelta) +
        (keyed ? varintBytes(keyLength) + keyLength : 1) +
        (isNull ? 1 : varintBytes(length) + length) +
        headers.length;
      at = writeVarint(out, at, bytes);
      out[at++] = 0;
      out[at++] = 0;
      at = writeVarint(out, at, offsetDelta);
      if (keyed) {
        at = writeVarint(out, at, keyLength);
        out.set(keyed, at);
        at += keyLength;
      } else out[at++] = MINUS_ONE;
      if (isNull) out[at++] = MINUS_ONE;
      else {
        at = writeVarint(out, at, length);
        values.copy(out, at, from, from + length);
        at += length;
      }
      out.set(headers, at);
      at += headers.length;
      offsetDelta += 1;
    }
  }
  return out.subarray(0, at);
}

/** Zigzag of -1. */
const MINUS_ONE = 1;
const NO_HEADERS = Uint8Array.of(0);

function headersOf(batch: RecordBatch, row: number): [string, string][] {
  const headers = batch.headers?.get(row);
  return headers ? Object.entries(headers) : [];
}

function encodeHeaders(headers: readonly [string, string][]): Uint8Array {
  const out: number[] = [];
  const put = (text: string) => {
    const bytes = Buffer.from(text);
    putVarint(out, bytes.length);
    for (const byte of bytes) out.push(byte);
  };
  putVarint(out, headers.length);
  for (const [name, value] of headers) {
    put(name);
    put(value);
  }
  return Uint8Array.from(out);
}

function putVarint(out: number[], value: number): void {
  let rest = value * 2;
  while (rest > 127) {
    out.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
}

/** Of a zigzag varint of a length, which is never negative. */
function varintBytes(value: number): number {
  return value < 64 ? 1 : value < 8_192 ? 2 : value < 1_048_576 ? 3 : value < 134_217_728 ? 4 : 5;
}

function writeVarint(out: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value * 2;
  while (rest > 127) {
    out[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  out[at++] = rest;
  return at;
}

/** Topics have few different keys as a rule; those of others are encoded each time. */
const KNOWN_KEYS_MAX = 10_000;
const knownKeys = new Map<string, Buffer>();
const NO_KEY = Buffer.alloc(0);

function keyBytes(key: string | null): Buffer {
  if (key === null) return NO_KEY;
  let bytes = knownKeys.get(key);
  if (!bytes) {
    bytes = Buffer.from(key);
    if (knownKeys.size < KNOWN_KEYS_MAX) knownKeys.set(key, bytes);
  }
  return bytes;
}

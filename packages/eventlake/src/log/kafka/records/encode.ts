import { crc32c } from '@node-rs/crc32';
import type { RecordBatch } from '../../event-log.js';
import { COMPRESSIONS, type Compression, compress } from '../compression/codec.js';

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
const NO_HEADER = Buffer.alloc(BATCH_HEADER_BYTES);
/** Varints of length, time, offset, key's and value's lengths and headers' count, and the attributes. */
const RECORD_OVERHEAD_BYTES = 32;

export function rowsOf(batch: RecordBatch, rows: readonly number[]): Rows {
  return { batch, rows, bytesMax: rows.reduce((sum, row) => sum + recordBytesMax(batch, row), 0) };
}

/** What a record takes in a record batch, at most: a character has three bytes at most. */
export function recordBytesMax({ bounds, keys, headers }: RecordBatch, row: number): number {
  let bytes = RECORD_OVERHEAD_BYTES + bounds[row + 1]! - bounds[row]! + 3 * (keys[row]?.length ?? 0);
  const of = headers?.get(row);
  if (of) for (const [name, value] of Object.entries(of)) bytes += 3 * (name.length + value.length) + 10;
  return bytes;
}

/** What is compressed is written here first: memory that was just taken from the system is slow. */
const PLAIN_BYTES_MAX = 2 * 1024 * 1024;
let plainBytes: Buffer | undefined;

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
  const bytesMax = parts.reduce((sum, part) => sum + part.bytesMax, BATCH_HEADER_BYTES);
  if (compression === 'none') {
    const plain = encodeRecords(parts, Buffer.allocUnsafe(bytesMax));
    return withHeader(plain, count, producer, { compression, nowMs });
  }
  plainBytes ??= Buffer.allocUnsafeSlow(PLAIN_BYTES_MAX);
  const plain = encodeRecords(parts, bytesMax > PLAIN_BYTES_MAX ? Buffer.allocUnsafe(bytesMax) : plainBytes);
  const packed = compress(compression, plain.subarray(BATCH_HEADER_BYTES));
  const bytes = Buffer.concat([NO_HEADER, ...packed]);
  // What does not get smaller goes as it is.
  if (bytes.length < plain.length) return withHeader(bytes, count, producer, { compression, nowMs });
  return withHeader(Buffer.from(plain), count, producer, { compression: 'none', nowMs });
}

function withHeader(
  bytes: Buffer,
  count: number,
  producer: ProducerState,
  { compression, nowMs }: { compression: Compression; nowMs: number },
): Buffer {
  bytes.writeBigInt64BE(0n, 0);
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeInt32BE(-1, 12);
  bytes.writeInt8(2, 16);
  bytes.writeInt16BE(COMPRESSIONS.indexOf(compression) | (producer.isTransactional ? 16 : 0), 21);
  bytes.writeInt32BE(count - 1, 23);
  bytes.writeBigInt64BE(BigInt(nowMs), 27);
  bytes.writeBigInt64BE(BigInt(nowMs), 35);
  bytes.writeBigInt64BE(producer.producerId, 43);
  bytes.writeInt16BE(producer.epoch, 51);
  bytes.writeInt32BE(producer.sequence, 53);
  bytes.writeInt32BE(count, 57);
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17);
  return bytes;
}

/** @returns Room for the batch's header, then the records. */
function encodeRecords(parts: readonly Rows[], room: Buffer): Buffer {
  // No Buffers: taking a part of one costs several times as much, and every record is a part.
  const out = new Uint8Array(room.buffer, room.byteOffset, room.length);
  let at = BATCH_HEADER_BYTES;
  let offsetDelta = 0;
  for (const { batch, rows } of parts) {
    const { bounds, keys, nullValues } = batch;
    const values = new Uint8Array(batch.values.buffer, batch.values.byteOffset, batch.values.byteLength);
    for (const row of rows) {
      const key = keys[row]!;
      const keyed = key === null ? undefined : keyBytes(key);
      const isNull = nullValues?.has(row) ?? false;
      const from = bounds[row]!;
      const length = bounds[row + 1]! - from;
      const headers = batch.headers?.get(row);
      const headerBytes = headers ? encodeHeaders(Object.entries(headers)) : NO_HEADERS;
      const keyLength = keyed ? keyed.length : 0;
      const bytes =
        2 +
        varintBytes(offsetDelta) +
        (keyed ? varintBytes(keyLength) + keyLength : 1) +
        (isNull ? 1 : varintBytes(length) + length) +
        headerBytes.length;
      at = writeVarint(out, at, bytes);
      out[at++] = 0;
      out[at++] = 0;
      at = writeVarint(out, at, offsetDelta);
      if (keyed) {
        at = writeVarint(out, at, keyLength);
        at = copyFew(keyed, out, at);
      } else out[at++] = MINUS_ONE;
      if (isNull) out[at++] = MINUS_ONE;
      else {
        at = writeVarint(out, at, length);
        out.set(values.subarray(from, from + length), at);
        at += length;
      }
      at = copyFew(headerBytes, out, at);
      offsetDelta += 1;
    }
  }
  return room.subarray(0, at);
}

/** Keys and headers are short: for so few bytes a call costs more than it saves. */
function copyFew(bytes: Uint8Array, out: Uint8Array, start: number): number {
  const { length } = bytes;
  if (length > 32) out.set(bytes, start);
  else for (let i = 0; i < length; i++) out[start + i] = bytes[i]!;
  return start + length;
}

/** Zigzag of -1. */
const MINUS_ONE = 1;
const NO_HEADERS = Uint8Array.of(0);

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

function writeVarint(out: Uint8Array, start: number, value: number): number {
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

function keyBytes(key: string): Buffer {
  let bytes = knownKeys.get(key);
  if (!bytes) {
    bytes = Buffer.from(key);
    if (knownKeys.size < KNOWN_KEYS_MAX) knownKeys.set(key, bytes);
  }
  return bytes;
}

import { type ByteReader, ParquetError } from './thrift.js';

// Parquet's encodings (https://parquet.apache.org/docs/file-format/data-pages/encodings/), each filling exactly
// `count` places of `out` from `at` on. Run lengths in the data are cut to that, so that no page makes more values
// than its header says.

/** RLE and bit-packing, mixed: levels, dictionary indexes, booleans. */
export function readHybrid(
  reader: ByteReader,
  bitWidth: number,
  out: Uint8Array | Int32Array,
  at: number,
  count: number,
): void {
  if (bitWidth > 32) throw new ParquetError(`a bit width of ${bitWidth}`);
  const end = at + count;
  if (bitWidth === 0) {
    out.fill(0, at, end);
    return;
  }
  const byteWidth = (bitWidth + 7) >> 3;
  while (at < end) {
    const header = reader.varint();
    const run = Math.floor(header / 2);
    if (header % 2 === 0) {
      let value = 0;
      for (let i = 0; i < byteWidth; i++) value |= reader.byte() << (8 * i);
      const stop = Math.min(end, at + run);
      if (run === 0) throw new ParquetError('an empty run');
      out.fill(value, at, stop);
      at = stop;
    } else {
      const n = Math.min(run * 8, end - at);
      // The last group may be cut off by writers that know how many values count.
      const bytes = reader.take(Math.min(run * bitWidth, reader.remaining));
      if (bytes.length * 8 < n * bitWidth) throw new ParquetError('unexpected end of bit-packed values');
      unpack(bytes, bitWidth, out, at, n);
      at += n;
    }
  }
}

function unpack(
  bytes: Uint8Array,
  bitWidth: number,
  out: Uint8Array | Int32Array,
  at: number,
  n: number,
): void {
  if (bitWidth === 1) {
    for (let i = 0; i < n; i++) out[at + i] = ((bytes[i >> 3] as number) >> (i & 7)) & 1;
    return;
  }
  if (bitWidth <= 24) {
    const mask = (1 << bitWidth) - 1;
    let buffer = 0;
    let bits = 0;
    let next = 0;
    for (let i = 0; i < n; i++) {
      while (bits < bitWidth) {
        buffer |= (bytes[next++] as number) << bits;
        bits += 8;
      }
      out[at + i] = buffer & mask;
      buffer >>>= bitWidth;
      bits -= bitWidth;
    }
    return;
  }
  for (let i = 0; i < n; i++) out[at + i] = Number(bitsAt(bytes, i * bitWidth, bitWidth));
}

/** Up to 64 bits from any position, least significant first. */
function bitsAt(bytes: Uint8Array, bit: number, width: number): bigint {
  let value = 0n;
  const first = bit >> 3;
  const last = (bit + width - 1) >> 3;
  for (let i = last; i >= first; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
  return (value >> BigInt(bit & 7)) & ((1n << BigInt(width)) - 1n);
}

/** DELTA_BINARY_PACKED for 32-bit integers. */
export function readDelta32(reader: ByteReader, out: Int32Array, at: number, count: number): void {
  const big = new BigInt64Array(count);
  readDelta64(reader, big, 0, count);
  for (let i = 0; i < count; i++) out[at + i] = Number(BigInt.asIntN(32, big[i] as bigint));
}

/** DELTA_BINARY_PACKED. */
export function readDelta64(reader: ByteReader, out: BigInt64Array, at: number, count: number): void {
  const blockSize = reader.varint();
  const miniblocks = reader.varint();
  const total = reader.varint();
  if (total < count) throw new ParquetError('fewer values than the page says');
  let value = zigzag(reader.varbigint());
  if (count === 0) return;
  if (miniblocks === 0 || miniblocks > 1024 || blockSize % miniblocks !== 0 || blockSize > 1 << 20) {
    throw new ParquetError('impossible delta blocks');
  }
  const perMiniblock = blockSize / miniblocks;
  const end = at + count;
  out[at++] = value;
  let left = total - 1;
  while (at < end) {
    const min = zigzag(reader.varbigint());
    const widths = reader.take(miniblocks);
    for (let m = 0; m < miniblocks && left > 0; m++) {
      const width = widths[m] as number;
      if (width > 64) throw new ParquetError(`a bit width of ${width}`);
      const bytes = reader.take((perMiniblock * width) / 8);
      const n = Math.min(perMiniblock, left);
      for (let i = 0; i < n; i++) {
        const delta = width === 0 ? 0n : bitsAt(bytes, i * width, width);
        value = BigInt.asIntN(64, value + min + delta);
        if (at < end) out[at++] = value;
      }
      left -= n;
    }
    if (left <= 0 && at < end) throw new ParquetError('fewer values than the page says');
  }
}

function zigzag(n: bigint): bigint {
  return (n >> 1n) ^ -(n & 1n);
}

/** DELTA_LENGTH_BYTE_ARRAY: all lengths, then all bytes. */
export function readDeltaLengths(reader: ByteReader, count: number): Uint8Array[] {
  const lengths = new Int32Array(count);
  readDelta32(reader, lengths, 0, count);
  return Array.from(lengths, (length) => reader.take(length));
}

/** DELTA_BYTE_ARRAY: each value shares a prefix with the one before. */
export function readDeltaStrings(reader: ByteReader, count: number): Uint8Array[] {
  const prefixes = new Int32Array(count);
  readDelta32(reader, prefixes, 0, count);
  const suffixes = readDeltaLengths(reader, count);
  let previous = new Uint8Array(0);
  let budget = 1 << 30;
  return suffixes.map((suffix, i) => {
    const prefix = prefixes[i] as number;
    if (prefix < 0 || prefix > previous.length) throw new ParquetError('a prefix longer than its string');
    budget -= prefix + suffix.length;
    if (budget < 0) throw new ParquetError('a page of more than 1 GiB');
    const value = new Uint8Array(prefix + suffix.length);
    value.set(previous.subarray(0, prefix));
    value.set(suffix, prefix);
    previous = value;
    return value;
  });
}

/** BYTE_STREAM_SPLIT: the first bytes of all values, then the second … Gives PLAIN's bytes. */
export function unsplitBytes(reader: ByteReader, count: number, width: number): Uint8Array {
  const input = reader.take(count * width);
  const out = new Uint8Array(count * width);
  for (let b = 0; b < width; b++) {
    for (let i = 0; i < count; i++) out[i * width + b] = input[b * count + i] as number;
  }
  return out;
}

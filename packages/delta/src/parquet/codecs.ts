import * as zlib from 'node:zlib';
import { decompress as fzstd } from 'fzstd';
import type { Codec } from './metadata.js';
import { ParquetError } from './thrift.js';

/** One page must fit into this: what says that it does not is corrupt or hostile. */
export const pageBytesMax = 1 << 29;

/**
 * Decompresses one page.
 * @param size bytes that must come out, by the page's header
 * @throws ParquetError where the bytes are damaged or the codec is not supported
 */
export function decompress(codec: Codec, bytes: Uint8Array, size: number): Uint8Array {
  if (size > pageBytesMax || size < 0) throw new ParquetError(`a page claims ${size} bytes`);
  const output = decoders[codec](bytes, size);
  if (output.length !== size) throw new ParquetError(`a page has ${output.length} bytes instead of ${size}`);
  return output;
}

/** Node has zstd from 22.15 on; before, a small decoder in JavaScript does it. */
const zstdNative = (zlib as { zstdDecompressSync?: typeof zlib.gunzipSync }).zstdDecompressSync;

const decoders: Record<Codec, (bytes: Uint8Array, size: number) => Uint8Array> = {
  UNCOMPRESSED: (bytes) => bytes,
  SNAPPY: unsnappy,
  // One byte more than allowed, so that zlib's limit cannot be met by damaged data without our noticing.
  GZIP: (bytes, size) => zlib.gunzipSync(bytes, { maxOutputLength: size + 1 }),
  BROTLI: (bytes, size) => zlib.brotliDecompressSync(bytes, { maxOutputLength: size + 1 }),
  ZSTD: (bytes, size) =>
    zstdNative ? zstdNative(bytes, { maxOutputLength: size + 1 }) : unzstd(bytes, size),
  LZ4_RAW: unlz4,
  LZ4: unlz4Hadoop,
  LZO: () => {
    throw new ParquetError('LZO compression is not supported');
  },
};

function unzstd(bytes: Uint8Array, size: number): Uint8Array {
  const output = new Uint8Array(size);
  const written = fzstd(bytes, output);
  return written.length === size ? output : written;
}

/** https://github.com/google/snappy/blob/main/format_description.txt */
function unsnappy(input: Uint8Array, size: number): Uint8Array {
  let at = 0;
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = input[at++];
    if (byte === undefined || shift > 28) throw new ParquetError('snappy data without its length');
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  // Before anything is allocated: the densest copy makes 64 bytes of 3.
  if (length !== size || size > input.length * 32) throw new ParquetError('snappy data of another length');
  const output = new Uint8Array(size);
  let out = 0;
  while (at < input.length) {
    const tag = input[at++] as number;
    const kind = tag & 3;
    if (kind === 0) {
      let n = tag >> 2;
      if (n >= 60) {
        const extra = n - 59;
        n = 0;
        for (let i = 0; i < extra; i++) n += (input[at + i] ?? 0) * 2 ** (8 * i);
        at += extra;
      }
      n++;
      if (at + n > input.length || out + n > size) throw new ParquetError('snappy data is damaged');
      copyLiteral(input, at, output, out, n);
      at += n;
      out += n;
      continue;
    }
    let n: number;
    let back: number;
    if (kind === 1) {
      n = ((tag >> 2) & 7) + 4;
      back = ((tag >> 5) << 8) | (input[at] ?? 0);
      at += 1;
    } else {
      n = (tag >> 2) + 1;
      back = (input[at] ?? 0) | ((input[at + 1] ?? 0) << 8);
      if (kind === 3) back += (input[at + 2] ?? 0) * 0x10000 + (input[at + 3] ?? 0) * 0x1000000;
      at += kind === 2 ? 2 : 4;
    }
    out = copyBack(output, out, back, n);
  }
  if (out !== size || at !== input.length) throw new ParquetError('snappy data is damaged');
  return output;
}

/** https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md */
function unlz4(input: Uint8Array, size: number): Uint8Array {
  if (size > input.length * 256 + 64) throw new ParquetError('lz4 data of another length');
  const output = new Uint8Array(size);
  let at = 0;
  let out = 0;
  const extended = (n: number): number => {
    if (n !== 15) return n;
    for (;;) {
      const byte = input[at++];
      if (byte === undefined) throw new ParquetError('lz4 data is damaged');
      n += byte;
      if (byte !== 255) return n;
    }
  };
  while (at < input.length) {
    const token = input[at++] as number;
    const literals = extended(token >> 4);
    if (at + literals > input.length || out + literals > size) throw new ParquetError('lz4 data is damaged');
    copyLiteral(input, at, output, out, literals);
    at += literals;
    out += literals;
    if (at >= input.length) break;
    const back = (input[at] ?? 0) | ((input[at + 1] ?? 0) << 8);
    at += 2;
    out = copyBack(output, out, back, extended(token & 15) + 4);
  }
  return out === size ? output : output.subarray(0, out);
}

/** The deprecated LZ4 is Hadoop's framing (two big-endian lengths before each block), or the bare block. */
function unlz4Hadoop(input: Uint8Array, size: number): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const parts: Uint8Array[] = [];
  let total = 0;
  for (let at = 0; at < input.length; ) {
    if (at + 8 > input.length) return unlz4(input, size);
    const raw = view.getUint32(at);
    const compressed = view.getUint32(at + 4);
    if (at + 8 + compressed > input.length || total + raw > size) return unlz4(input, size);
    parts.push(unlz4(input.subarray(at + 8, at + 8 + compressed), raw));
    total += raw;
    at += 8 + compressed;
  }
  return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
}

/** Short literals by hand: making a view costs more than copying them. */
function copyLiteral(input: Uint8Array, at: number, output: Uint8Array, out: number, n: number): void {
  if (n > 24) output.set(input.subarray(at, at + n), out);
  else for (let i = 0; i < n; i++) output[out + i] = input[at + i] as number;
}

function copyBack(output: Uint8Array, out: number, back: number, n: number): number {
  if (back <= 0 || back > out || out + n > output.length)
    throw new ParquetError('a compressed page is damaged');
  if (back >= n && n > 24) output.copyWithin(out, out - back, out - back + n);
  else for (let i = 0; i < n; i++) output[out + i] = output[out - back + i] as number;
  return out + n;
}

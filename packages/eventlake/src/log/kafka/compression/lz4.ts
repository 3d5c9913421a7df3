/**
 * LZ4 frames as Kafka has them since message format 2:
 * https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md and lz4_Block_format.md.
 */
import { xxh32 } from './xxh32.js';

const MAGIC = 0x184d2204;
const BLOCK_BYTES = 64 * 1024;
const BLOCK_SIZES = [0, 0, 0, 0, 64 * 1024, 256 * 1024, 1024 * 1024, 4 * 1024 * 1024];

/** @throws RangeError for bytes that are no LZ4 frame, or where more than `bytesMax` come out. */
export function lz4Decompress(source: Buffer, bytesMax: number): Buffer {
  if (source.length < 7 || source.readUInt32LE(0) !== MAGIC) throw broken();
  const flags = source[4]!;
  const blockBytesMax = BLOCK_SIZES[(source[5]! >> 4) & 7]!;
  if (flags >> 6 !== 1 || blockBytesMax === 0) throw broken();
  const hasBlockChecksums = (flags & 16) !== 0;
  const hasSize = (flags & 8) !== 0;
  const hasDictionary = (flags & 1) !== 0;
  if (hasDictionary) throw broken();
  let from = 6 + (hasSize ? 8 : 0) + 1;
  let out: Buffer = Buffer.allocUnsafe(Math.min(bytesMax, Math.max(blockBytesMax, 4 * source.length)));
  let to = 0;
  for (;;) {
    if (from + 4 > source.length) throw broken();
    const size = source.readUInt32LE(from);
    from += 4;
    if (size === 0) return out.subarray(0, to);
    const bytes = size & 0x7fffffff;
    if (from + bytes > source.length || bytes > blockBytesMax) throw broken();
    if (out.length < to + blockBytesMax) out = grown(out, to, to + blockBytesMax);
    if (size >= 0x80000000) {
      source.copy(out, to, from, from + bytes);
      to += bytes;
    } else {
      // Blocks may refer to what came before them: it stands in the same buffer.
      to = decodeBlock(source, from, from + bytes, out, to, Math.min(to + blockBytesMax, out.length));
    }
    if (to > bytesMax) throw new RangeError(`more than ${bytesMax} bytes come out`);
    from += bytes + (hasBlockChecksums ? 4 : 0);
  }
}

/** One frame of independent blocks without checksums: the record batch has its own. */
export function lz4Compress(source: Uint8Array): Buffer {
  const blocks = Math.ceil(source.length / BLOCK_BYTES);
  const out = Buffer.allocUnsafe(7 + source.length + blocks * 8 + 4 + 64);
  out.writeUInt32LE(MAGIC, 0);
  // Version 1, independent blocks; blocks of at most 64 KiB.
  out[4] = 0x60;
  out[5] = 4 << 4;
  out[6] = (xxh32(out.subarray(4, 6)) >>> 8) & 255;
  let to = 7;
  for (let from = 0; from < source.length; from += BLOCK_BYTES) {
    const end = Math.min(from + BLOCK_BYTES, source.length);
    const written = encodeBlock(source, from, end, out, to + 4);
    if (written > 0) {
      out.writeUInt32LE(written, to);
      to += 4 + written;
    } else {
      out.writeUInt32LE((end - from + 0x80000000) >>> 0, to);
      out.set(source.subarray(from, end), to + 4);
      to += 4 + end - from;
    }
  }
  out.writeUInt32LE(0, to);
  return out.subarray(0, to + 4);
}

function decodeBlock(
  source: Uint8Array,
  start: number,
  end: number,
  out: Buffer,
  outStart: number,
  outEnd: number,
): number {
  let from = start;
  let to = outStart;
  while (from < end) {
    const token = source[from++]!;
    let literals = token >> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255 && from < end) {
        more = source[from++]!;
        literals += more;
      }
    }
    if (from + literals > end || to + literals > outEnd) throw broken();
    if (literals < 48) for (let i = 0; i < literals; i++) out[to + i] = source[from + i]!;
    else out.set(source.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    // The last sequence has no match.
    if (from >= end) break;
    const offset = source[from]! | (source[from + 1]! << 8);
    from += 2;
    let match = (token & 15) + 4;
    if (match === 19) {
      let more = 255;
      while (more === 255 && from < end) {
        more = source[from++]!;
        match += more;
      }
    }
    if (offset === 0 || offset > to || to + match > outEnd) throw broken();
    if (offset >= match && match > 64) {
      out.copyWithin(to, to - offset, to - offset + match);
      to += match;
    } else {
      // Byte by byte: a match may run into what it writes.
      for (const until = to + match; to < until; to++) out[to] = out[to - offset]!;
    }
  }
  return to;
}

const HASH_BITS = 13;
const places = new Int32Array(1 << HASH_BITS);

/** @returns Bytes written, or 0 where the block does not get smaller. */
function encodeBlock(source: Uint8Array, start: number, end: number, out: Buffer, outStart: number): number {
  // Within 12 bytes of the end no match may begin, and the last 5 bytes are literals: block format, end conditions.
  const lastMatchStart = end - 12;
  const matchEnd = end - 5;
  const limit = outStart + (end - start);
  places.fill(-1);
  let to = outStart;
  let anchor = start;
  let at = start;
  let misses = 0;
  while (at < lastMatchStart) {
    const word = source[at]! | (source[at + 1]! << 8) | (source[at + 2]! << 16) | (source[at + 3]! << 24);
    const hash = Math.imul(word, -1640531535) >>> (32 - HASH_BITS);
    const candidate = places[hash]!;
    places[hash] = at;
    if (
      candidate < 0 ||
      source[candidate] !== source[at] ||
      source[candidate + 1] !== source[at + 1] ||
      source[candidate + 2] !== source[at + 2] ||
      source[candidate + 3] !== source[at + 3]
    ) {
      // What does not compress is passed ever faster.
      at += 1 + (misses++ >> 6);
      continue;
    }
    misses = 0;
    let length = 4;
    while (at + length < matchEnd && source[candidate + length] === source[at + length]) length++;
    const literals = at - anchor;
    if (to + literals + (literals >> 8) + (length >> 8) + 12 > limit) return 0;
    to = writeSequence(source, anchor, literals, out, to, length - 4);
    out[to++] = (at - candidate) & 255;
    out[to++] = (at - candidate) >> 8;
    to = writeRest(out, to, length - 4);
    at += length;
    anchor = at;
  }
  const literals = end - anchor;
  if (to + literals + (literals >> 8) + 4 > limit) return 0;
  return writeSequence(source, anchor, literals, out, to, 0) - outStart;
}

/** Token and literals. */
function writeSequence(
  source: Uint8Array,
  from: number,
  literals: number,
  out: Buffer,
  start: number,
  match: number,
): number {
  let to = start;
  out[to++] = (Math.min(literals, 15) << 4) | Math.min(match, 15);
  to = writeRest(out, to, literals);
  if (literals < 48) for (let i = 0; i < literals; i++) out[to + i] = source[from + i]!;
  else out.set(source.subarray(from, from + literals), to);
  return to + literals;
}

function writeRest(out: Buffer, start: number, length: number): number {
  let to = start;
  if (length < 15) return to;
  let rest = length - 15;
  for (; rest >= 255; rest -= 255) out[to++] = 255;
  out[to++] = rest;
  return to;
}

function grown(out: Buffer, used: number, needed: number): Buffer {
  const larger = Buffer.allocUnsafe(Math.max(needed, 2 * out.length));
  out.copy(larger, 0, 0, used);
  return larger;
}

function broken(): RangeError {
  return new RangeError('no LZ4 frame');
}

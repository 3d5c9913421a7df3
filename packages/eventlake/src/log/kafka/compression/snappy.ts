/** Snappy: https://github.com/google/snappy/blob/main/format_description.txt, raw or in the blocks of xerial's stream. */

const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);

/** @throws RangeError for bytes that are no Snappy, or where more than `bytesMax` come out. */
export function snappyDecompress(source: Buffer, bytesMax: number): Buffer {
  // Java's producers write xerial's stream, librdkafka raw blocks.
  if (source.length < 16 || !source.subarray(0, 8).equals(XERIAL)) return decode(source, bytesMax);
  const blocks: Buffer[] = [];
  let bytes = 0;
  for (let from = 16; from < source.length; ) {
    if (from + 4 > source.length) throw broken();
    const size = source.readUInt32BE(from);
    if (from + 4 + size > source.length) throw broken();
    const block = decode(source.subarray(from + 4, from + 4 + size), bytesMax - bytes);
    blocks.push(block);
    bytes += block.length;
    from += 4 + size;
  }
  return Buffer.concat(blocks);
}

const BLOCK_BYTES = 64 * 1024;

/** Raw blocks are what librdkafka writes, and every reader takes; ours are plain copies and short matches. */
export function snappyCompress(source: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(8 + source.length + Math.ceil(source.length / 6) + 64);
  let to = 0;
  let rest = source.length;
  while (rest > 127) {
    out[to++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  out[to++] = rest;
  for (let from = 0; from < source.length; from += BLOCK_BYTES)
    to = encode(source, from, Math.min(from + BLOCK_BYTES, source.length), out, to);
  return out.subarray(0, to);
}

function decode(source: Buffer, bytesMax: number): Buffer {
  let from = 0;
  let size = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = source[from++];
    if (byte === undefined || shift > 28) throw broken();
    size += (byte & 127) * 2 ** shift;
    if (byte < 128) break;
  }
  if (size > bytesMax) throw new RangeError(`more than ${bytesMax} bytes come out`);
  const out = Buffer.allocUnsafe(size);
  let to = 0;
  while (from < source.length) {
    const tag = source[from++]!;
    if ((tag & 3) === 0) {
      let length = tag >> 2;
      if (length >= 60) {
        const extra = length - 59;
        if (from + extra > source.length) throw broken();
        length = source.readUIntLE(from, extra);
        from += extra;
      }
      length += 1;
      if (from + length > source.length || to + length > size) throw broken();
      source.copy(out, to, from, from + length);
      from += length;
      to += length;
      continue;
    }
    let length = (tag >> 2) + 1;
    let offset: number;
    if ((tag & 3) === 1) {
      length = ((tag >> 2) & 7) + 4;
      offset = ((tag >> 5) << 8) | (source[from] ?? 0);
      from += 1;
    } else if ((tag & 3) === 2) {
      offset = (source[from] ?? 0) | ((source[from + 1] ?? 0) << 8);
      from += 2;
    } else {
      if (from + 4 > source.length) throw broken();
      offset = source.readUInt32LE(from);
      from += 4;
    }
    if (offset === 0 || offset > to || to + length > size) throw broken();
    for (const until = to + length; to < until; to++) out[to] = out[to - offset]!;
  }
  if (to !== size) throw broken();
  return out;
}

const HASH_BITS = 13;
const places = new Int32Array(1 << HASH_BITS);

function encode(source: Uint8Array, start: number, end: number, out: Buffer, outStart: number): number {
  places.fill(-1);
  let to = outStart;
  let anchor = start;
  let at = start;
  let misses = 0;
  while (at < end - 8) {
    const word = source[at]! | (source[at + 1]! << 8) | (source[at + 2]! << 16) | (source[at + 3]! << 24);
    const hash = Math.imul(word, -1640531535) >>> (32 - HASH_BITS);
    const candidate = places[hash]!;
    places[hash] = at;
    let length = 0;
    if (candidate >= 0) {
      while (length < 64 && at + length < end && source[candidate + length] === source[at + length]) length++;
    }
    if (length < 4) {
      at += 1 + (misses++ >> 6);
      continue;
    }
    misses = 0;
    to = writeLiterals(source, anchor, at, out, to);
    out[to++] = ((length - 1) << 2) | 2;
    out[to++] = (at - candidate) & 255;
    out[to++] = (at - candidate) >> 8;
    at += length;
    anchor = at;
  }
  return writeLiterals(source, anchor, end, out, to);
}

function writeLiterals(source: Uint8Array, from: number, end: number, out: Buffer, start: number): number {
  const length = end - from;
  if (length === 0) return start;
  let to = start;
  if (length <= 60) out[to++] = (length - 1) << 2;
  else {
    out[to++] = 61 << 2;
    out[to++] = (length - 1) & 255;
    out[to++] = (length - 1) >> 8;
  }
  out.set(source.subarray(from, end), to);
  return to + length;
}

function broken(): RangeError {
  return new RangeError('no Snappy');
}

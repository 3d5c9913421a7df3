/** LZ4's block format: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md */

/** One sequence of literals and no match: what every decoder reads, at the speed of a copy. It does not get smaller. */
export function lz4Literals(bytes: Uint8Array): Buffer {
  const extra = bytes.length < 15 ? 0 : Math.floor((bytes.length - 15) / 255) + 1;
  const out = Buffer.allocUnsafe(1 + extra + bytes.length);
  out[0] = Math.min(bytes.length, 15) << 4;
  for (let i = 1; i <= extra; i++) out[i] = 255;
  if (extra > 0) out[extra] = (bytes.length - 15) % 255;
  out.set(bytes, 1 + extra);
  return out;
}

/**
 * @param sizeMax bytes that come out at most
 * @param history what came out before, for blocks that refer to it
 * @throws RangeError for bytes that are no LZ4 block
 */
export function lz4Decode(
  source: Uint8Array,
  sizeMax: number,
  history: Uint8Array = new Uint8Array(0),
): Buffer {
  const start = history.length;
  const end = start + sizeMax;
  const out = Buffer.allocUnsafe(end);
  out.set(history, 0);
  let from = 0;
  let to = start;
  const length = (first: number) => {
    let n = first;
    if (first === 15) {
      let more: number;
      do {
        more = byteAt(source, from++);
        n += more;
      } while (more === 255);
    }
    return n;
  };
  while (from < source.length) {
    const token = byteAt(source, from++);
    const literals = length(token >> 4);
    if (from + literals > source.length || to + literals > end) throw broken();
    out.set(source.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    // The last sequence has no match.
    if (from === source.length) break;
    const offset = byteAt(source, from) | (byteAt(source, from + 1) << 8);
    from += 2;
    const match = length(token & 15) + 4;
    if (offset === 0 || offset > to || to + match > end) throw broken();
    // Byte by byte: a match may run into what it writes.
    for (let i = 0; i < match; i++, to++) out[to] = out[to - offset]!;
  }
  return out.subarray(start, to);
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw broken();
  return byte;
}

function broken(): RangeError {
  return new RangeError('no LZ4 block');
}

/** What of fzstd is used: it is loaded only where Node has no zstd of its own. */
type Fzstd = Pick<typeof import('fzstd'), 'decompress' | 'Decompress'>;

/** As the reference implementation has it: more is asked for by no level, and a frame's header alone would cost it. */
const WINDOW_BYTES_MAX = 128 * 1024 * 1024;
const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a5;

/**
 * fzstd knows no limit, so frames are found here (RFC 8878), and unpacked one by one.
 * @throws RangeError or Error for bytes that are not what they claim to be, or where more than `bytesMax` come out.
 */
export function unzstd({ decompress, Decompress }: Fzstd, bytes: Buffer, bytesMax: number): Buffer {
  const parts: Uint8Array[] = [];
  let total = 0;
  const count = (more: number) => {
    total += more;
    if (total > bytesMax) throw new RangeError(`more than ${bytesMax} bytes`);
  };
  for (const { frame, contentBytes } of framesIn(bytes)) {
    if (contentBytes !== undefined) {
      count(contentBytes);
      // Which takes the frame at its word: so much it makes room for, and no more.
      if (contentBytes > 0) parts.push(decompress(frame));
      continue;
    }
    const stream = new Decompress((part) => {
      count(part.length);
      parts.push(part);
    });
    stream.push(frame, true);
  }
  const [only] = parts;
  if (only && parts.length === 1) return Buffer.from(only.buffer, only.byteOffset, only.byteLength);
  return Buffer.concat(parts, total);
}

interface Frame {
  frame: Buffer;
  /** Where the frame tells it beforehand. */
  contentBytes: number | undefined;
}

function* framesIn(bytes: Buffer): Generator<Frame> {
  for (let at = 0; at < bytes.length; ) {
    const magic = bytes.readUInt32LE(at);
    if (magic >>> 4 === SKIPPABLE_MAGIC) {
      at += 8 + bytes.readUInt32LE(at + 4);
      continue;
    }
    if (magic !== MAGIC) throw new RangeError('no zstd frame');
    const { headerBytes, contentBytes, hasChecksum } = headerOf(bytes, at + 4);
    const end = endOfBlocks(bytes, at + 4 + headerBytes) + (hasChecksum ? 4 : 0);
    if (end > bytes.length) throw new RangeError('a zstd frame ends too early');
    yield { frame: bytes.subarray(at, end), contentBytes };
    at = end;
  }
}

function headerOf(bytes: Buffer, at: number) {
  const flags = bytes.readUInt8(at);
  const isSingleSegment = (flags & 32) !== 0;
  const windowBytes = isSingleSegment ? 0 : windowOf(bytes.readUInt8(at + 1));
  if (windowBytes > WINDOW_BYTES_MAX) throw new RangeError(`a zstd window of ${windowBytes} bytes`);
  const sizeAt = at + (isSingleSegment ? 1 : 2) + [0, 1, 2, 4][flags & 3]!;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][flags >>> 6]!;
  const contentBytes = [
    () => undefined,
    () => bytes.readUInt8(sizeAt),
    () => bytes.readUInt16LE(sizeAt) + 256,
    () => bytes.readUInt32LE(sizeAt),
    () => Number(bytes.readBigUInt64LE(sizeAt)),
  ][[0, 1, 2, 4, 8].indexOf(sizeBytes)]!();
  return { headerBytes: sizeAt + sizeBytes - at, contentBytes, hasChecksum: (flags & 4) !== 0 };
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >>> 3));
  return base + (base / 8) * (descriptor & 7);
}

function endOfBlocks(bytes: Buffer, start: number): number {
  for (let at = start; ; ) {
    const header = bytes.readUIntLE(at, 3);
    const isRun = ((header >>> 1) & 3) === 1;
    at += 3 + (isRun ? 1 : header >>> 3);
    if (header & 1) return at;
  }
}

/** What of zstddec is used: it is loaded only where Node has no zstd of its own. */
type Decoder = Pick<import('zstddec').ZSTDDecoder, 'decode'>;

/** As the reference implementation has it: more is asked for by no level, and a frame's header alone would cost it. */
const WINDOW_BYTES_MAX = 128 * 1024 * 1024;
/** Of one block when it is unpacked: RFC 8878, 3.1.1.2.4. */
const BLOCK_BYTES_MAX = 128 * 1024;
const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a5;

/**
 * The decoder makes as much room as it is told and says nothing of what it finds wrong, so frames are found here
 * (RFC 8878) and unpacked one by one.
 * @throws RangeError or Error for bytes that are not what they claim to be, or where more than `bytesMax` come out.
 */
export function unzstd(decoder: Decoder, bytes: Buffer, bytesMax: number): Buffer {
  const parts: Uint8Array[] = [];
  let total = 0;
  for (const { frame, contentBytes, contentBytesMax } of framesIn(bytes)) {
    const left = bytesMax - total;
    if (contentBytes !== undefined && contentBytes > left)
      throw new RangeError(`more than ${bytesMax} bytes`);
    if (contentBytesMax === 0) continue;
    const part = decoder.decode(frame, Math.min(contentBytesMax, Math.max(left, 1)));
    // Nothing at all is what comes back of a broken frame, and of one that holds more than there is room for.
    if (part.length === 0 || (contentBytes !== undefined && part.length !== contentBytes))
      throw new RangeError(`a zstd frame is broken, or more than ${bytesMax} bytes come out`);
    total += part.length;
    if (total > bytesMax) throw new RangeError(`more than ${bytesMax} bytes`);
    parts.push(part);
  }
  const [only] = parts;
  if (only && parts.length === 1) return Buffer.from(only.buffer, only.byteOffset, only.byteLength);
  return Buffer.concat(parts, total);
}

interface Frame {
  frame: Buffer;
  /** Where the frame tells it beforehand. */
  contentBytes: number | undefined;
  /** Otherwise what its blocks can hold. */
  contentBytesMax: number;
}

function* framesIn(bytes: Buffer): Generator<Frame> {
  for (let at = 0; at < bytes.length; ) {
    const magic = bytes.readUInt32LE(at);
    if (magic >>> 4 === SKIPPABLE_MAGIC) {
      at += 8 + bytes.readUInt32LE(at + 4);
      continue;
    }
    if (magic !== MAGIC) throw new RangeError('no zstd frame');
    const { headerBytes, windowBytes, contentBytes, hasChecksum } = headerOf(bytes, at + 4);
    const blocks = blocksFrom(bytes, at + 4 + headerBytes, Math.min(windowBytes, BLOCK_BYTES_MAX));
    const end = blocks.end + (hasChecksum ? 4 : 0);
    if (end > bytes.length) throw new RangeError('a zstd frame ends too early');
    yield {
      frame: bytes.subarray(at, end),
      contentBytes,
      contentBytesMax: contentBytes ?? blocks.contentBytesMax,
    };
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
  return { headerBytes: sizeAt + sizeBytes - at, windowBytes, contentBytes, hasChecksum: (flags & 4) !== 0 };
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >>> 3));
  return base + (base / 8) * (descriptor & 7);
}

/** Headers of blocks: whether it is the last, its type (0 raw, 1 one byte repeated, 2 compressed), its size. */
function blocksFrom(bytes: Buffer, start: number, compressedBytesMax: number) {
  let contentBytesMax = 0;
  for (let at = start; ; ) {
    const header = bytes.readUIntLE(at, 3);
    const type = (header >>> 1) & 3;
    const size = header >>> 3;
    contentBytesMax += type === 2 ? compressedBytesMax : size;
    at += 3 + (type === 1 ? 1 : size);
    if (header & 1) return { end: at, contentBytesMax };
  }
}

/**
 * LZ4 frames as Kafka has them since message format 2:
 * https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md. Of the library come the blocks: its own frames promise
 * blocks of 4 MiB, which readers make room for, and take twice as long.
 */
import { compressSync, uncompressSync } from 'lz4-napi';

const MAGIC = 0x184d2204;
/** Matches reach no further back: block format, offset. */
const HISTORY_BYTES = 64 * 1024;
const UNCOMPRESSED = 0x8000_0000;

/**
 * Version 1, independent blocks without checksums, since the record batch has its own. They differ in how long a block may
 * be, the shortest first; the last byte is the header's checksum.
 */
const HEADERS = ['04224d18604082', '04224d186050fb', '04224d18606051', '04224d18607073'].map((header) =>
  Buffer.from(header, 'hex'),
);
const END = Buffer.alloc(4);

/** One frame in parts, of one block where a block can hold it all. */
export function lz4Compress(source: Buffer): Buffer[] {
  const header = HEADERS.find((of) => source.length <= blockBytesMaxIn(of)) ?? HEADERS.at(-1)!;
  const blockBytesMax = blockBytesMaxIn(header);
  const parts: Buffer[] = [header];
  for (let from = 0; from < source.length; from += blockBytesMax) {
    const block = source.subarray(from, from + blockBytesMax);
    // Before the block stands the length of what is in it, where the frame has the length of the block.
    const packed = compressSync(block);
    const bytes = packed.length - 4;
    if (bytes < block.length) {
      packed.writeUInt32LE(bytes);
      parts.push(packed);
    } else parts.push(lengthOf(UNCOMPRESSED + block.length), block);
  }
  return [...parts, END];
}

/** @throws RangeError or Error for bytes that are no LZ4 frame, or where more than `bytesMax` come out. */
export function lz4Decompress(source: Buffer, bytesMax: number): Buffer {
  if (source.length < 7 || source.readUInt32LE(0) !== MAGIC) throw broken();
  const flags = source[4]!;
  const blockBytesMax = blockBytesMaxIn(source);
  const [areLinked, hasBlockChecksums] = [(flags & 32) === 0, (flags & 16) !== 0];
  const [hasSize, hasDictionary] = [(flags & 8) !== 0, (flags & 1) !== 0];
  if (flags >> 6 !== 1 || hasDictionary) throw broken();
  const blocks: Buffer[] = [];
  let total = 0;
  let history: Buffer = Buffer.alloc(0);
  for (let from = 6 + (hasSize ? 8 : 0) + 1; ; ) {
    const word = source.readUInt32LE(from);
    if (word === 0) return blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks, total);
    const bytes = word % UNCOMPRESSED;
    const end = from + 4 + bytes;
    if (end > source.length || bytes > blockBytesMax) throw broken();
    const block =
      word >= UNCOMPRESSED
        ? source.subarray(from + 4, end)
        : uncompressSync(Buffer.concat([lengthOf(blockBytesMax), source.subarray(from + 4, end)]), history);
    total += block.length;
    if (total > bytesMax) throw new RangeError(`more than ${bytesMax} bytes come out`);
    blocks.push(block);
    if (areLinked) history = Buffer.concat([history, block]).subarray(-HISTORY_BYTES);
    from = end + (hasBlockChecksums ? 4 : 0);
  }
}

/** @throws RangeError */
function blockBytesMaxIn(frame: Buffer): number {
  const code = (frame[5]! >> 4) & 7;
  if (code < 4) throw broken();
  return 1 << (8 + 2 * code);
}

function lengthOf(bytes: number): Buffer {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32LE(bytes);
  return length;
}

function broken(): RangeError {
  return new RangeError('no LZ4 frame');
}

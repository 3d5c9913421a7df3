import { lz4Decode } from './lz4.js';

/** LZ4's frame format, as `Content-Encoding: lz4` has it: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md */
const MAGIC = 0x184d2204;
const HISTORY_BYTES = 65_536;
const UNCOMPRESSED = 0x8000_0000;

/**
 * What is in the frames of a body. Checksums are not looked at: TCP has its own.
 * @throws RangeError for bytes that are no LZ4 frame.
 */
export async function* unLz4(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const bytes = new ByteReader(body);
  while (!(await bytes.isAtEnd())) {
    if ((await bytes.take(4)).readUInt32LE() !== MAGIC) throw broken();
    yield* blocks(bytes, await header(bytes));
  }
}

interface FrameHeader {
  blockBytesMax: number;
  areLinked: boolean;
  blockChecksumBytes: number;
  contentChecksumBytes: number;
}

async function header(bytes: ByteReader): Promise<FrameHeader> {
  const [flags, descriptor] = (await bytes.take(2)) as unknown as [number, number];
  const sizeCode = (descriptor >> 4) & 7;
  if (flags >> 6 !== 1 || sizeCode < 4) throw broken();
  const contentSizeBytes = flags & 0x08 ? 8 : 0;
  const dictionaryBytes = flags & 0x01 ? 4 : 0;
  // What follows ends with a byte of checksum.
  await bytes.take(contentSizeBytes + dictionaryBytes + 1);
  return {
    blockBytesMax: 1 << (8 + 2 * sizeCode),
    areLinked: (flags & 0x20) === 0,
    blockChecksumBytes: flags & 0x10 ? 4 : 0,
    contentChecksumBytes: flags & 0x04 ? 4 : 0,
  };
}

async function* blocks(bytes: ByteReader, frame: FrameHeader): AsyncGenerator<Buffer> {
  let history: Buffer = Buffer.alloc(0);
  for (;;) {
    const word = (await bytes.take(4)).readUInt32LE();
    if (word === 0) break;
    const size = (word & ~UNCOMPRESSED) >>> 0;
    if (size > frame.blockBytesMax) throw broken();
    const data = await bytes.take(size);
    await bytes.take(frame.blockChecksumBytes);
    const block = word >= UNCOMPRESSED ? data : lz4Decode(data, frame.blockBytesMax, history);
    if (frame.areLinked) history = Buffer.concat([history, block]).subarray(-HISTORY_BYTES);
    yield block;
  }
  await bytes.take(frame.contentChecksumBytes);
}

/** Takes as many bytes as are asked for from chunks that come as they like. */
class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  constructor(body: AsyncIterable<Buffer>) {
    this.#chunks = body[Symbol.asyncIterator]();
  }

  async isAtEnd(): Promise<boolean> {
    return !(await this.#fill(1));
  }

  async take(size: number): Promise<Buffer> {
    if (!(await this.#fill(size))) throw broken();
    const taken = this.#held.subarray(0, size);
    this.#held = this.#held.subarray(size);
    return taken;
  }

  async #fill(size: number): Promise<boolean> {
    if (this.#held.length >= size) return true;
    const parts = [this.#held];
    let bytes = this.#held.length;
    while (bytes < size) {
      const { done, value } = await this.#chunks.next();
      if (done) break;
      parts.push(value);
      bytes += value.length;
    }
    this.#held = Buffer.concat(parts);
    return bytes >= size;
  }
}

function broken(): RangeError {
  return new RangeError('no LZ4 frame');
}

import { ClickHouseException, exceptions } from '../errors.js';
import { cityHash128 } from './cityhash.js';
import { lz4Decode, lz4Literals } from './lz4.js';
import { zstdDecode } from './zstd.js';

/**
 * ClickHouse's own compressed blocks, which `compress=1` asks for and `decompress=1` announces:
 * 16 bytes CityHash128 of what follows, 1 byte method, 4 bytes size of what is compressed with these 9 bytes, 4 bytes
 * size of what it was, the data.
 */
const CHECKSUM_BYTES = 16;
const HEADER_BYTES = 9;
const NONE = 0x02;
const LZ4 = 0x82;
const ZSTD = 0x90;
/** Clients send a megabyte or so in one block. */
const BLOCK_BYTES_MAX = 64 * 1024 * 1024;

/** Framed for `compress=1`: LZ4, since not every client reads uncompressed blocks, but literals only. */
export function compressedBlock(bytes: Uint8Array): Buffer {
  const data = lz4Literals(bytes);
  const block = Buffer.allocUnsafe(CHECKSUM_BYTES + HEADER_BYTES + data.length);
  block[CHECKSUM_BYTES] = LZ4;
  block.writeUInt32LE(HEADER_BYTES + data.length, CHECKSUM_BYTES + 1);
  block.writeUInt32LE(bytes.length, CHECKSUM_BYTES + 5);
  data.copy(block, CHECKSUM_BYTES + HEADER_BYTES);
  block.set(cityHash128(block.subarray(CHECKSUM_BYTES)), 0);
  return block;
}

/** What is in the blocks of a body. @throws ClickHouseException */
export async function* uncompressed(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0);
  // Put together only where there is enough: a block that comes in many pieces is not copied again for each.
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let wanted = CHECKSUM_BYTES + HEADER_BYTES;
  for await (const chunk of body) {
    waiting.push(chunk);
    waitingBytes += chunk.length;
    if (held.length + waitingBytes < wanted) continue;
    held = Buffer.concat([held, ...waiting]);
    waiting = [];
    waitingBytes = 0;
    for (;;) {
      const size = blockSize(held);
      wanted = size ?? CHECKSUM_BYTES + HEADER_BYTES;
      if (held.length < wanted) break;
      yield await uncompressedBlock(held.subarray(0, wanted));
      held = held.subarray(wanted);
    }
  }
  if (held.length + waitingBytes > 0)
    throw exceptions.cannotDecompress('the last compressed block is cut short');
}

function blockSize(held: Buffer): number | undefined {
  if (held.length < CHECKSUM_BYTES + HEADER_BYTES) return undefined;
  const compressed = held.readUInt32LE(CHECKSUM_BYTES + 1);
  const plain = held.readUInt32LE(CHECKSUM_BYTES + 5);
  if (compressed < HEADER_BYTES || Math.max(compressed, plain) > BLOCK_BYTES_MAX) {
    throw exceptions.cannotDecompress('a compressed block has no sensible size');
  }
  return CHECKSUM_BYTES + compressed;
}

async function uncompressedBlock(block: Buffer): Promise<Buffer> {
  const content = block.subarray(CHECKSUM_BYTES);
  if (Buffer.compare(cityHash128(content), block.subarray(0, CHECKSUM_BYTES)) !== 0) {
    throw new ClickHouseException(
      40,
      'CHECKSUM_DOESNT_MATCH',
      'Checksum does not match: corrupted data',
      400,
    );
  }
  const data = content.subarray(HEADER_BYTES);
  const size = content.readUInt32LE(5);
  const plain = await decoded(content[0]!, data, size).catch(() => {
    throw exceptions.cannotDecompress('the data of a block are damaged');
  });
  if (plain.length !== size) throw exceptions.cannotDecompress('a block has another size than it says');
  return plain;
}

async function decoded(method: number, data: Buffer, size: number): Promise<Buffer> {
  if (method === NONE) return data;
  if (method === LZ4) return lz4Decode(data, size);
  if (method === ZSTD) return zstdDecode(data, size);
  throw new RangeError('unknown method');
}

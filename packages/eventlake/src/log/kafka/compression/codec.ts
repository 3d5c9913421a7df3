import * as zlib from 'node:zlib';
import { EventlakeError } from '../../../errors.js';
import { lz4Compress, lz4Decompress } from './lz4.js';
import { snappyCompress, snappyDecompress } from './snappy.js';
import { unzstd } from './zstd.js';

/** In the order of their numbers in a record batch's attributes. */
export const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** Node has it from 22.15 on; the types are those of Node 20. */
interface WithZstd {
  zstdCompressSync?(bytes: Uint8Array): Buffer;
  zstdDecompressSync?(bytes: Uint8Array, options: { maxOutputLength: number }): Buffer;
}
const { zstdCompressSync, zstdDecompressSync } = zlib as WithZstd;

/** @returns The parts, to be put one after the other. */
export function compress(compression: Compression, bytes: Buffer): Buffer[] {
  switch (compression) {
    case 'none':
      return [bytes];
    case 'gzip':
      return [zlib.gzipSync(bytes)];
    case 'snappy':
      return [snappyCompress(bytes)];
    case 'lz4':
      return lz4Compress(bytes);
    case 'zstd':
      checkCompression(compression);
      return [zstdCompressSync!(bytes)];
  }
}

/** @throws EventlakeError `invalid` where this Node cannot compress so; every one can read it. */
export function checkCompression(compression: Compression): void {
  if (compression !== 'zstd' || zstdCompressSync) return;
  throw new EventlakeError(
    'invalid',
    `Node ${process.versions.node} cannot compress with zstd; it can read it`,
    { setting: 'log.kafka.compression' },
    'Take lz4, or Node 22.15 or later.',
  );
}

/** Loaded only where Node has no zstd of its own. */
let zstd: import('zstddec').ZSTDDecoder | undefined;

/** To be awaited before bytes of this compression are given to `decompress`, which has no time to wait. */
export async function loadCodec(compression: Compression): Promise<void> {
  if (compression !== 'zstd' || zstdDecompressSync || zstd) return;
  const { ZSTDDecoder } = await import('zstddec');
  const decoder = new ZSTDDecoder();
  await decoder.init();
  zstd = decoder;
}

/** @throws RangeError or Error for bytes that are not what they claim to be, or where more than `bytesMax` come out. */
export function decompress(compression: Compression, bytes: Buffer, bytesMax: number): Buffer {
  switch (compression) {
    case 'none':
      return bytes;
    case 'gzip':
      return zlib.gunzipSync(bytes, { maxOutputLength: bytesMax });
    case 'snappy':
      return snappyDecompress(bytes, bytesMax);
    case 'lz4':
      return lz4Decompress(bytes, bytesMax);
    case 'zstd': {
      if (zstdDecompressSync) return zstdDecompressSync(bytes, { maxOutputLength: bytesMax });
      return unzstd(zstd!, bytes, bytesMax);
    }
  }
}

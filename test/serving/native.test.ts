import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cityHash128 } from '../../packages/eventlake/src/serving/endpoint/native/cityhash.js';
import {
  compressedBlock,
  uncompressed,
} from '../../packages/eventlake/src/serving/endpoint/native/compressed-blocks.js';
import { lz4Decode, lz4Literals } from '../../packages/eventlake/src/serving/endpoint/native/lz4.js';
import { unLz4 } from '../../packages/eventlake/src/serving/endpoint/native/lz4-frame.js';
import { unZstd } from '../../packages/eventlake/src/serving/endpoint/native/zstd.js';

/** What another implementation says of as many bytes from a linear congruential generator, seeded with their number. */
const HASHES: [bytes: number, hash: string][] = [
  [0, '3cb540c392e51e293df09dfc64c09a2b'],
  [1, 'be1b3f2a76e8f53b7bb5a1188e45cb35'],
  [3, 'f4e58c91613ecc5a7f05e07d0c0036aa'],
  [4, 'f0695d6fb1d481620deea807d00e3c15'],
  [7, '63a8a667bc4320fe04640eb99e632684'],
  [8, '1d684a374d7545ef0128292d306a7fa5'],
  [9, '0a416bfaaf46adc4edb943b0608531a6'],
  [15, '99a4ca1913977d0a617298f0b85b5642'],
  [16, 'b697c39599ec20f43356439807c40da1'],
  [17, '059001e1bc421965e671a9d147762b46'],
  [31, '835952bce58168a2fc8bab3ff11fb1c1'],
  [32, 'c6d75fd1673a9c7594e22f4172f2bdb0'],
  [33, '4626f89496faca17a434290673c0ff2e'],
  [47, '1c97458b2a84861af67ec04670566bd6'],
  [64, '6ea743866dea3f6017b013facb07dbb5'],
  [127, '6ac8ddd5a1676b31955e4c5c6d3c73f9'],
  [128, '15e0b2e5555d6e46bac074136349420f'],
  [143, '55c7fcdcea01e85d6fa70c7d5f61cc57'],
  [144, 'acdc08cf5b43dcee4574fa4a9674c89a'],
  [145, 'd6fd4a0c42471fe0f1083209f6c2bb60'],
  [200, '2a5a83fa653f801d854941ec6da20334'],
  [256, '617fd3b5ded78851e6827d3435d4ee75'],
  [272, '95f9b2afeb760eef739254b876bbc2a5'],
  [1000, 'b87be1a45c3dde596778b36e06807607'],
  [65545, '128ee019c4eb9d9e7aa151ad963201cb'],
];

function generated(count: number): Uint8Array {
  let state = count;
  return Uint8Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

test.each(HASHES)('CityHash128 of %i bytes', (count, hash) => {
  expect(
    Buffer.from(cityHash128(generated(count)))
      .reverse()
      .toString('hex'),
  ).toBe(hash);
});

describe('LZ4', () => {
  test('a match may run into what it writes', () => {
    // One literal, a match of 4 + 3 bytes at distance 1, one literal at the end.
    const block = Uint8Array.of(0x13, 0x61, 1, 0, 0x10, 0x62);
    expect(lz4Decode(block, 9).toString()).toBe('aaaaaaaab');
  });

  test('what is written can be read', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        expect(lz4Decode(lz4Literals(bytes), bytes.length)).toEqual(Buffer.from(bytes));
      }),
    );
  });

  test('bytes that are no block are refused, and nothing worse', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          expect(lz4Decode(bytes, 1000).length).toBeLessThanOrEqual(1000);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });

  test('a frame with an uncompressed and a compressed, linked block', async () => {
    const frame = Buffer.concat([
      Buffer.from('04224d18', 'hex'),
      // Version 1, linked blocks, no checksums; blocks of 64 KiB at most; the checksum of this.
      Buffer.from([0x40, 0x40, 0xc0]),
      Buffer.from([5, 0, 0, 0x80]),
      Buffer.from('abcde'),
      // A match of 5 bytes at distance 5, in the block before, then one literal.
      Buffer.from([5, 0, 0, 0, 0x01, 5, 0, 0x10, 0x21]),
      Buffer.from([0, 0, 0, 0]),
    ]);
    expect((await collect(unLz4(chunks(frame, 3)))).toString()).toBe('abcdeabcde!');
    await expect(collect(unLz4(chunks(frame.subarray(0, -6), 3)))).rejects.toThrow(RangeError);
    await expect(collect(unLz4(chunks(Buffer.from('nonsense'), 3)))).rejects.toThrow(RangeError);
  });
});

describe('compressed blocks', () => {
  test('come out as they went in, however they are cut', async () => {
    const part = fc.uint8Array({ maxLength: 500 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { maxLength: 5 }),
        fc.integer({ min: 1, max: 100 }),
        async (parts, size) => {
          const body = Buffer.concat(parts.map(compressedBlock));
          expect(await collect(uncompressed(chunks(body, size)))).toEqual(Buffer.concat(parts));
        },
      ),
    );
  });

  test('one bit that is wrong is found', async () => {
    const block = compressedBlock(Buffer.from('SELECT 1'));
    for (let at = 0; at < block.length * 8; at++) {
      const damaged = Buffer.from(block);
      damaged[at >> 3]! ^= 1 << (at & 7);
      await expect(collect(uncompressed(chunks(damaged, 1000)))).rejects.toMatchObject({ status: 400 });
    }
  });
});

async function* chunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collect(parts: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}

test('of a zstd body that stands for half a gigabyte no more is unpacked than is asked for', async () => {
  const { arrayBuffers: before } = process.memoryUsage();
  let bytes = 0;
  for await (const part of unZstd(chunks(zstdOfBlanks(4000), 64 * 1024))) {
    expect(part.every((byte) => byte === 0x20)).toBe(true);
    bytes += part.length;
    if (bytes > 1_000_000) break;
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
});

test('a zstd body comes out whole', async () => {
  let bytes = 0;
  for await (const part of unZstd(chunks(zstdOfBlanks(20), 7))) bytes += part.length;
  expect(bytes).toBe(20 * 131_072);
});

// Copied again for each of its pieces, it would take minutes.
test('a compressed block of 32 MiB may come in pieces of a kilobyte', async () => {
  const plain = Buffer.alloc(32 * 1024 * 1024, 'x');
  let bytes = 0;
  for await (const part of uncompressed(chunks(compressedBlock(plain), 1024))) bytes += part.length;
  expect(bytes).toBe(plain.length);
});

/** RFC 8878: a frame of RLE blocks, each 128 KiB of one byte in four. */
function zstdOfBlanks(blocks: number): Buffer {
  const frame = Buffer.alloc(6 + 4 * blocks);
  frame.set([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50]);
  for (let i = 0; i < blocks; i++) {
    frame.writeUIntLE((i === blocks - 1 ? 1 : 0) | (1 << 1) | (131_072 << 3), 6 + 4 * i, 3);
    frame[6 + 4 * i + 3] = 0x20;
  }
  return frame;
}

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ZSTDDecoder } from 'zstddec';
import { unzstd } from '../../../packages/eventlake/src/log/kafka/compression/zstd.js';

const LIMIT = 1_000_000;
const decoder = new ZSTDDecoder();
await decoder.init();
const unpack = (bytes: Buffer, limit = LIMIT) => unzstd(decoder, bytes, limit);
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** `eventeventevent…`, 5,000 bytes, by the reference implementation: alone, and as one that did not know the length. */
const KNOWN = Buffer.from('KLUv/QBYbQAAKGV2ZW50AQCAg75oAQ==', 'base64');
const EVENTS = Buffer.alloc(5_000, 'event');

const MAGIC = '28b52ffd';
/** Blocks of one byte that is repeated 128 KiB times, the last one marked. */
const runs = (count: number) => hex(`${'02001078'.repeat(count - 1)} 03001078`);
/** The header of a frame with a window of 128 KiB that does not tell its length. */
const unknown = hex(`${MAGIC} 00 38`);

test('what frames hold comes out, one after the other, whatever can be skipped between them', () => {
  const three = Buffer.concat([unknown, runs(3)]);
  const skipped = hex('502a4d18 03000000 010203');
  const runBytes = Buffer.alloc(3 * 131_072, 'x');
  expect(unpack(KNOWN).equals(EVENTS)).toBe(true);
  expect(unpack(three).equals(runBytes)).toBe(true);
  const all = Buffer.concat([KNOWN, skipped, three, KNOWN]);
  expect(unpack(all).equals(Buffer.concat([EVENTS, runBytes, EVENTS]))).toBe(true);
  expect(unpack(hex(`${MAGIC} 20 00 010000`)).length).toBe(0);
});

test.each([
  ['a frame that does not tell its length', Buffer.concat([unknown, runs(8)])],
  ['a frame that tells it', Buffer.concat([hex(`${MAGIC} a0 00001000`), runs(8)])],
  ['many frames', Buffer.concat(Array.from({ length: 8 }, () => Buffer.concat([unknown, runs(1)])))],
])('of %s no more comes out than the limit', (_, bytes) => {
  expect(unpack(bytes, 8 * 131_072).length).toBe(8 * 131_072);
  expect(() => unpack(bytes, 8 * 131_072 - 1)).toThrow(RangeError);
});

test('a few kilobytes do not become gigabytes before that is noticed', () => {
  const startedBytes = process.memoryUsage().arrayBuffers;
  expect(() => unpack(Buffer.concat([unknown, runs(16_384)]))).toThrow(RangeError);
  expect(process.memoryUsage().arrayBuffers - startedBytes).toBeLessThan(100_000_000);
});

test('a frame that tells of less than it holds, or wants a window of gigabytes, gets no more memory', () => {
  expect(() => unpack(Buffer.concat([hex(`${MAGIC} 20 0a`), runs(8)]))).toThrow(/broken/);
  expect(() => unpack(Buffer.concat([hex(`${MAGIC} 00 a8`), runs(1)]))).toThrow(/window/);
});

test('bytes that are none are an error, or some bytes, but never more than the limit', () => {
  const good = Buffer.concat([KNOWN, unknown, runs(3)]);
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), fc.boolean(), (at, byte, cut) => {
      const bad = Buffer.from(good);
      bad[at] = byte;
      try {
        expect(unpack(cut ? bad.subarray(0, at) : bad, 400_000).length).toBeLessThanOrEqual(400_000);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }),
    { numRuns: 500 },
  );
});

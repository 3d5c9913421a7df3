import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { lz4Compress, lz4Decompress } from '../../../packages/eventlake/src/log/kafka/compression/lz4.js';

/** `eventeventevent…`, in four blocks of 64 KiB at most. */
const EVENTS = Buffer.alloc(200_000, 'event');
/** By the command line of the reference implementation, 1.9.4: `lz4 -B4`, then with `-BD -BX --content-size`; gzipped. */
const INDEPENDENT = gunzipSync(
  Buffer.from(
    'H4sIAAAAAAACA2NR8pVIcVjOz8jAEJ9alppXwsrwf4SDxwGgcEgFBwmYNRokjwNA4VAGSSUg1miQPA4AhUOqDAMwSMAstCAxCABnJ6A0Q+uC3fwAO1x9BGgDAAA=',
    'base64',
  ),
);
const LINKED = gunzipSync(
  Buffer.from(
    'H4sIAAAAAAACA2NR8pWIcXDgZWYAgTv8jAwM8allqXklrAz/Rzh4HAAKh9SQMx1tXMBg4f8/4sGLAFCAlOnxCSyAJBQQbzShPA4AhUPqodkvposzYCYU0wBwhpol5VwBymOtC3bzAwAebn6xdgMAAA==',
    'base64',
  ),
);

test.each([
  ['independent of each other', INDEPENDENT],
  ['that refer to what came before, with checksums', LINKED],
])('a frame of blocks %s comes out whole, and never more than the limit', (_, frame) => {
  expect(lz4Decompress(frame, EVENTS.length).equals(EVENTS)).toBe(true);
  expect(() => lz4Decompress(frame, EVENTS.length - 1)).toThrow(RangeError);
});

test.each([0, 1, 65_536, 65_537, 262_145, 1_048_577, 9_000_000])(
  'a frame of ours says how long its blocks can be, and holds %i bytes',
  (bytes) => {
    const source = Buffer.alloc(bytes, 'event');
    // The first half does not get smaller.
    source.set(noise(bytes >> 1));
    const frame = Buffer.concat(lz4Compress(source));
    expect(frame.length).toBeLessThanOrEqual(7 + bytes + 4 * Math.ceil(bytes / 4_194_304) + 4);
    expect(lz4Decompress(frame, bytes).equals(source)).toBe(true);
  },
);

test('a few kilobytes do not become gigabytes before that is noticed', () => {
  const block = INDEPENDENT.subarray(7, 7 + 4 + INDEPENDENT.readUInt32LE(7));
  const bomb = Buffer.concat([INDEPENDENT.subarray(0, 7), ...Array<Buffer>(20_000).fill(block)]);
  const startedBytes = process.memoryUsage().arrayBuffers;
  expect(() => lz4Decompress(bomb, 1_000_000)).toThrow(RangeError);
  expect(process.memoryUsage().arrayBuffers - startedBytes).toBeLessThan(100_000_000);
});

function noise(bytes: number): Buffer {
  const out = Buffer.allocUnsafe(bytes);
  for (let i = 0, state = 1; i < bytes; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out[i] = state >>> 24;
  }
  return out;
}

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readRoaring, writeRoaring } from '../src/deletion-vectors/roaring.js';
import { RowSet } from '../src/deletion-vectors/row-set.js';
import { decodeZ85, encodeZ85 } from '../src/deletion-vectors/z85.js';
import { DeltaError } from '../src/index.js';

describe('deletion vectors', () => {
  test("the protocol's own inline example reads as rows 3, 4, 7, 11, 18, 29", () => {
    // Section "Deletion Vector Descriptor Schema", JSON example 3, in the older format that it is written in …
    const older = decodeZ85('wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L').subarray(0, 40);
    expect([...readRoaring(older, 30)]).toEqual([3, 4, 7, 11, 18, 29]);
    // … and as Spark writes it now.
    const newer = decodeZ85('^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L').subarray(0, 44);
    expect([...readRoaring(newer, 30)]).toEqual([3, 4, 7, 11, 18, 29]);
    expect(writeRoaring(RowSet.of([3, 4, 7, 11, 18, 29]))).toEqual(newer);
  });

  test('what is written reads back, whatever the mixture of arrays, bitmaps and runs', () => {
    const rows = fc.oneof(
      fc.array(fc.nat(400_000), { maxLength: 300 }),
      fc
        .tuple(fc.nat(200_000), fc.nat(100_000))
        .map(([from, n]) => Array.from({ length: n }, (_, i) => from + i)),
      fc
        .tuple(fc.nat(100_000), fc.integer({ min: 2, max: 9 }))
        .map(([from, step]) => Array.from({ length: 20_000 }, (_, i) => from + i * step)),
    );
    fc.assert(
      fc.property(fc.array(rows, { maxLength: 4 }), (lists) => {
        const set = RowSet.of(lists.flat());
        const read = readRoaring(writeRoaring(set), 1_000_000);
        expect(read.size).toBe(set.size);
        expect([...read]).toEqual([...set]);
      }),
      { numRuns: 60 },
    );
  });

  test('positions beyond 32 bits are kept', () => {
    // Not through RowSet, which would take a bitmap of all rows before.
    const bytes = writeRoaring(RowSet.of([1, 70_000]));
    const view = new DataView(bytes.buffer);
    expect(view.getUint32(12, true)).toBe(0);
    view.setUint32(12, 1, true);
    expect(() => readRoaring(bytes, 1_000_000)).toThrow('row 4294967297, and the file has 1000000');
  });

  test('a row that the file does not have is damage', () => {
    const bytes = writeRoaring(RowSet.of([5]));
    expect([...readRoaring(bytes, 6)]).toEqual([5]);
    expect(() => readRoaring(bytes, 5)).toThrow(DeltaError);
  });

  test('damaged bytes are refused or read, never a crash', () => {
    const bytes = writeRoaring(
      RowSet.of([1, 2, 3, 9, 70_000, ...Array.from({ length: 9000 }, (_, i) => 200_000 + i * 2)]),
    );
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, value, length) => {
        const damaged = bytes.slice(0, Math.max(at + 1, length));
        damaged[at] = value;
        try {
          expect(readRoaring(damaged, 300_000).size).toBeLessThanOrEqual(300_000);
        } catch (error) {
          expect(error).toBeInstanceOf(DeltaError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('Base85', () => {
  test("ZeroMQ's test vector", () => {
    expect(encodeZ85(Uint8Array.of(0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b))).toBe('HelloWorld');
    expect([...decodeZ85('HelloWorld')]).toEqual([0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b]);
  });

  test('any bytes come back, padded to four', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
        expect(decodeZ85(encodeZ85(bytes)).subarray(0, bytes.length)).toEqual(bytes);
      }),
    );
  });

  test.each(['abcd', 'abcd"', '#####'])('%s is refused', (text) => {
    expect(() => decodeZ85(text)).toThrow(DeltaError);
  });
});

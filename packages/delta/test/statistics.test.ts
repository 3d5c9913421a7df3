import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { array, type DataType, struct } from '../src/index.js';
import { compareUtf8 } from '../src/store/path.js';
import { statsJson } from '../src/writing/stats.js';
import { statsWithDeletions } from '../src/writing/stats-text.js';
import { truncateMax, truncateMin } from '../src/writing/truncate.js';

const MAX = '\u{10ffff}';
const ASCII = '\u007f';

describe('text in statistics', () => {
  // The reference implementation's own cases (StatsCollectionSuite, "Truncate max string").
  test.each([
    [`a${MAX}d`, `a${MAX}${ASCII}`, 2],
    ['abcd', 'abcd', 6],
    ['abcdef', 'abcdef', 6],
    ['abcd\ufffdabcd', `abcd\ufffda${ASCII}`, 6],
    ['abcdef\ufffd', `abcdef${MAX}`, 6],
    ['abcdef-abcdef\ufffd', `abcdef${ASCII}`, 6],
    ['漢字仮名한글தமி', `漢字仮名한글${MAX}`, 6],
    ['abcdef🚀', `abcdef${MAX}`, 6],
    [MAX.repeat(4), undefined, 1],
    [MAX.repeat(4), MAX.repeat(4), 4],
    ['\ufffd\ufffd\ufffd', `\ufffd${MAX}`, 1],
    ['abcdefghijklm💞😉💕\n🥀🌹💐🌺🌷🌼🌻🌷🥀', `abcdefghijklm💞😉💕\n🥀🌹💐🌺🌷🌼${MAX}`, 32],
  ])('the upper bound of %j is %j', (text, expected, length) => {
    expect(truncateMax(text, length)).toBe(expected);
  });

  test('bounds enclose the text, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        expect(compareUtf8(truncateMin(text), text)).toBeLessThanOrEqual(0);
        const max = truncateMax(text);
        if (max !== undefined) expect(compareUtf8(max, text)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe('statistics of a file', () => {
  const stats = (type: DataType, values: unknown[]): string =>
    statsJson(struct({ c: type }).fields, [values], values.length);

  test.each<[DataType, unknown[], string]>([
    ['long', [9_007_199_254_740_993n, -1n, null], '"minValues":{"c":-1},"maxValues":{"c":9007199254740993}'],
    [
      'decimal(20,2)',
      [12_345_678_901_234_567_890n, 5n],
      '"minValues":{"c":0.05},"maxValues":{"c":123456789012345678.90}',
    ],
    ['date', [0, 19_000], '"minValues":{"c":"1970-01-01"},"maxValues":{"c":"2022-01-08"}'],
    // Cut down to milliseconds, before 1970 too.
    [
      'timestamp',
      [1999n, -1n],
      '"minValues":{"c":"1969-12-31T23:59:59.999Z"},"maxValues":{"c":"1970-01-01T00:00:00.001Z"}',
    ],
    [
      'timestamp_ntz',
      [1999n],
      '"minValues":{"c":"1970-01-01T00:00:00.001"},"maxValues":{"c":"1970-01-01T00:00:00.001"}',
    ],
    // NaN is above all numbers and cannot be written: there is no upper bound then.
    ['double', [1.5, Number.NaN, -0], '"minValues":{"c":0},"maxValues":{}'],
    ['double', [Infinity, 1], '"minValues":{"c":1},"maxValues":{}'],
    ['string', ['b', 'a'.repeat(40)], `"minValues":{"c":"${'a'.repeat(32)}"},"maxValues":{"c":"b"}`],
    ['boolean', [true, false], '"minValues":{},"maxValues":{}'],
    ['binary', [Uint8Array.of(1)], '"minValues":{},"maxValues":{}'],
    ['integer', [null, null], '"minValues":{},"maxValues":{}'],
  ])('of %s are exact', (type, values, expected) => {
    const nulls = values.filter((value) => value === null).length;
    expect(stats(type, values)).toBe(
      `{"numRecords":${values.length},${expected},"nullCount":{"c":${nulls}}}`,
    );
  });

  test('are nested as the schema is, and end with the 32nd column', () => {
    const schema = struct({
      s: struct({ a: 'integer', b: struct({ c: 'string' }) }),
      l: array('string'),
      z: 'integer',
    });
    const rows = [
      [{ a: 1, b: null }, { a: 2, b: { c: 'x' } }, null],
      [['q'], null, []],
      [1, 2, 3],
    ];
    expect(JSON.parse(statsJson(schema.fields, rows, 3))).toEqual({
      numRecords: 3,
      minValues: { s: { a: 1, b: { c: 'x' } }, z: 1 },
      maxValues: { s: { a: 2, b: { c: 'x' } }, z: 3 },
      nullCount: { s: { a: 1, b: { c: 2 } }, l: 1, z: 0 },
    });
    expect(JSON.parse(statsJson(schema.fields, rows, 3, { indexed: 2 })).nullCount).toEqual({
      s: { a: 1, b: { c: 2 } },
    });
  });

  test('become wide when rows are deleted, with all their digits', () => {
    expect(
      statsWithDeletions('{"numRecords":2,"maxValues":{"c":9007199254740993},"tightBounds":true}', 2),
    ).toBe('{"numRecords":2,"maxValues":{"c":9007199254740993},"tightBounds":false}');
    expect(statsWithDeletions('{"minValues":{"tightBounds":true},"tightBounds" : true}', 7)).toBe(
      '{"numRecords":7,"minValues":{"tightBounds":true},"tightBounds" :false}',
    );
    expect(statsWithDeletions('{}', 3)).toBe('{"numRecords":3,"tightBounds":false}');
    expect(statsWithDeletions(undefined, 3)).toBe('{"numRecords":3,"tightBounds":false}');
    expect(statsWithDeletions('not json', 3)).toBe('{"numRecords":3,"tightBounds":false}');
  });
});

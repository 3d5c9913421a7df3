import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dateText, parseDate, parseTimestamp, timestampText } from '../src/rows/time.js';
import { decimalText, fromUser, parseDecimal, toUser } from '../src/rows/values.js';
import type { DataType } from '../src/schema.js';

test('a date is the day that Date says, and none where Date says none', () => {
  fc.assert(
    fc.property(fc.nat(9999), fc.integer({ min: 0, max: 13 }), fc.integer({ min: 0, max: 32 }), (y, m, d) => {
      const pad = (n: number, digits: number): string => String(n).padStart(digits, '0');
      const text = `${pad(y, 4)}-${pad(m, 2)}-${pad(d, 2)}`;
      const date = new Date(0);
      date.setUTCFullYear(y, m - 1, d);
      const exists = date.getUTCMonth() === m - 1 && date.getUTCDate() === d;
      expect(parseDate(text)).toBe(exists ? date.getTime() / 86_400_000 : undefined);
      const us = BigInt(date.getTime()) * 1000n;
      expect(parseTimestamp(`${text}T00:00:00Z`)?.us).toBe(exists ? us : undefined);
      expect(parseTimestamp(`${text}T00:00:00.000009Z`)?.us).toBe(exists ? us + 9n : undefined);
      expect(parseTimestamp(`${text} 00:00:00.5`)?.us).toBe(exists ? us + 500_000n : undefined);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  '2024-05-31T12:00:00.Z',
  '2024-05-31T12:00:0xZ',
  '2024-05-31T24:00:00Z',
  '2024-05-31T12:60:00Z',
  '2024-05-31T12:00:00.12a456Z',
])('%s is no time', (text) => {
  expect(parseTimestamp(text)).toBeUndefined();
});

describe('values go in and come out exactly', () => {
  const there = (type: DataType, value: unknown): unknown => toUser(type)(fromUser(type, 'c')(value));

  test.each<[DataType, unknown, unknown]>([
    ['long', 5, 5n],
    ['long', -(2n ** 63n), -(2n ** 63n)],
    ['integer', 2n, 2],
    ['integer', -0, 0],
    ['float', 0.1, Math.fround(0.1)],
    ['double', Number.NaN, Number.NaN],
    ['decimal(5,2)', '1.5', '1.50'],
    ['decimal(5,2)', -3, '-3.00'],
    ['decimal(38,0)', 10n ** 37n, '10000000000000000000000000000000000000'],
    ['decimal(5,2)', '1e-2', '0.01'],
    ['date', new Date('2024-05-31T23:59:59Z'), '2024-05-31'],
    ['date', '0001-01-01', '0001-01-01'],
    ['timestamp', new Date('2024-05-31T12:00:00.123Z'), '2024-05-31T12:00:00.123000Z'],
    ['timestamp', '2024-05-31T12:00:00.123456+02:00', '2024-05-31T10:00:00.123456Z'],
    ['timestamp', -1n, '1969-12-31T23:59:59.999999Z'],
    ['timestamp_ntz', '2024-05-31 12:00', '2024-05-31T12:00:00.000000'],
    ['binary', Uint8Array.of(1), Uint8Array.of(1)],
    [{ type: 'array', elementType: 'long', containsNull: true }, [1, null], [1n, null]],
    [
      { type: 'map', keyType: 'string', valueType: 'date', valueContainsNull: true },
      { a: '2020-01-01' },
      new Map([['a', '2020-01-01']]),
    ],
  ])('%j takes %s', (type, value, expected) => {
    expect(there(type, value)).toEqual(expected);
  });

  test.each<[DataType, unknown]>([
    ['string', 5],
    ['integer', 2 ** 31],
    ['byte', 128],
    ['short', 1.5],
    ['long', 2 ** 60],
    ['long', 2n ** 63n],
    ['decimal(5,2)', '1.005'],
    ['decimal(5,2)', '1000'],
    ['decimal(5,2)', 'abc'],
    ['decimal(5,2)', '1e999'],
    ['date', '2024-02-30'],
    ['timestamp', '2024-05-31T25:00:00Z'],
    ['timestamp', '2024-05-31T12:00:00.1234567Z'],
    ['timestamp', 1_700_000_000_000],
    ['timestamp_ntz', '2024-05-31T12:00:00Z'],
    ['boolean', 'true'],
    [{ type: 'array', elementType: 'long', containsNull: false }, [null]],
    [{ type: 'struct', fields: [] }, { a: 1 }],
  ])('%j refuses %s', (type, value) => {
    expect(() => fromUser(type, 'c')(value)).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });

  test('any microsecond and any day come back', () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (us) => {
        const parsed = parseTimestamp(timestampText(us, true));
        // Years of six digits are as far as ISO 8601's text goes.
        if (us > -(2n ** 60n) && us < 2n ** 60n) expect(parsed).toEqual({ us, zoned: true });
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: -90_000_000, max: 90_000_000 }), (days) => {
        expect(parseDate(dateText(days))).toBe(days);
      }),
    );
  });

  test('any decimal comes back', () => {
    fc.assert(
      fc.property(fc.bigInt(-(10n ** 38n) + 1n, 10n ** 38n - 1n), fc.nat(38), (unscaled, scale) => {
        expect(parseDecimal(decimalText(unscaled, scale), 38, scale)).toBe(unscaled);
      }),
    );
  });

  test('a field called __proto__ is a field', () => {
    const type: DataType = {
      type: 'struct',
      fields: [{ name: '__proto__', type: 'string', nullable: true, metadata: {} }],
    };
    const row = there(type, JSON.parse('{"__proto__":"x"}')) as object;
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
    expect(Object.entries(row)).toEqual([['__proto__', 'x']]);
  });
});

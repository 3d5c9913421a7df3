import type { Literal } from '../contract.js';
import { DeltaError } from '../errors.js';
import { decimalOf } from '../parquet/convert.js';
import type { DataType } from '../schema.js';
import { compareUtf8 } from '../store/path.js';
import { parseDate, parseTimestamp } from './time.js';

/** Orders a column's value (as `parquet/convert.ts` has it, not null) against one literal: below, equal, above. */
export type CompareTo = (value: unknown) => number;

/**
 * Comparison with a literal, exact: no number goes through floating point unless it is one. Text is ordered by code
 * point, false before true, NaN is equal to itself and above all other numbers, as Spark and DuckDB have it.
 * @throws DeltaError of kind `invalid` where the column cannot be compared with it
 */
export function compareTo(literal: Exclude<Literal, null>, type: DataType, column: string): CompareTo {
  const compare = typeof type === 'string' ? byType(literal, type) : undefined;
  if (compare) return compare;
  const name = typeof type === 'string' ? type : type.type;
  throw new DeltaError(
    'invalid',
    `Cannot compare the column ${column} of type ${name} with ${String(literal)}`,
  );
}

function byType(literal: Exclude<Literal, null>, type: string): CompareTo | undefined {
  switch (type) {
    case 'string':
      return typeof literal === 'string' ? (value) => compareUtf8(value as string, literal) : undefined;
    case 'boolean': {
      const wanted =
        literal === true || literal === 'true' ? 1 : literal === false || literal === 'false' ? 0 : undefined;
      return wanted === undefined ? undefined : (value) => Number(value) - wanted;
    }
    case 'date': {
      const us = timeOf(literal);
      return us === undefined ? undefined : (value) => order(BigInt(value as number) * 86_400_000_000n, us);
    }
    case 'timestamp':
    case 'timestamp_ntz': {
      const us = timeOf(literal);
      return us === undefined ? undefined : (value) => order(value as bigint, us);
    }
    case 'binary':
      return undefined;
    case 'float':
    case 'double':
      return floating(literal);
    default:
      return exactNumber(literal, decimalOf(type)?.scale ?? 0);
  }
}

function order(a: number | bigint, b: number | bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Microseconds of a date or a time. */
function timeOf(literal: Exclude<Literal, null>): bigint | undefined {
  if (literal instanceof Date) {
    return Number.isNaN(literal.getTime()) ? undefined : BigInt(literal.getTime()) * 1000n;
  }
  if (typeof literal !== 'string') return undefined;
  const days = parseDate(literal);
  return days === undefined ? parseTimestamp(literal)?.us : BigInt(days) * 86_400_000_000n;
}

function floating(literal: Exclude<Literal, null>): CompareTo | undefined {
  const wanted = typeof literal === 'string' && isNumber(literal) ? Number(literal) : literal;
  if (typeof wanted !== 'number' && typeof wanted !== 'bigint') return undefined;
  if (Number.isNaN(wanted)) return (value) => (Number.isNaN(value) ? 0 : -1);
  return (value) => (Number.isNaN(value) ? 1 : order(value as number, wanted));
}

/** Integers and decimals: both sides are brought to the same scale. */
function exactNumber(literal: Exclude<Literal, null>, scale: number): CompareTo | undefined {
  if (typeof literal === 'number' && !Number.isFinite(literal)) {
    return Number.isNaN(literal) ? undefined : () => (literal > 0 ? -1 : 1);
  }
  if (typeof literal !== 'number' && typeof literal !== 'bigint' && typeof literal !== 'string')
    return undefined;
  const text = String(literal);
  if (!isNumber(text)) return undefined;
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  // Powers of ten beyond any column's range decide by sign alone, without being computed.
  const power = Math.max(-400, Math.min(400, Number(exponent)));
  const digits = BigInt(`${whole}${fraction}`.replace(/^\+/, ''));
  const shift = scale + power - fraction.length;
  const factor = 10n ** BigInt(Math.abs(shift));
  const [own, other] = shift >= 0 ? [1n, digits * factor] : [factor, digits];
  if (own === 1n && Number.isSafeInteger(Number(other))) {
    const wanted = Number(other);
    return (value) => order(value as number | bigint, wanted);
  }
  return (value) => order(BigInt(value as number | bigint) * own, other);
}

function isNumber(text: string): boolean {
  return text.length < 400 && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,4})?$/i.test(text);
}

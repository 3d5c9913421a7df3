import type { Literal } from '../contract.js';
import { DeltaError } from '../errors.js';
import type { DataType } from '../schema.js';
import { compareUtf8 } from '../store/path.js';

/**
 * A value as pruning compares it: text by its UTF-8 bytes, numbers as they are, dates and timestamps as microseconds
 * since 1970, booleans as 0 and 1.
 */
export type Comparable = string | number | bigint;

/** What is known of a column's values in a file; undefined is not known. Both ends may be wider than the truth. */
export interface Bounds {
  min?: Comparable | undefined;
  max?: Comparable | undefined;
}

export function compare(a: Comparable, b: Comparable): number {
  if (typeof a === 'string' && typeof b === 'string') return compareUtf8(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** @throws DeltaError of kind `invalid` where a column of the type cannot be compared with the value. */
export function literalOf(value: Exclude<Literal, null>, type: DataType, column: string): Comparable {
  const comparable = toComparable(value, type);
  if (comparable !== undefined) return comparable;
  const name = typeof type === 'string' ? type : type.type;
  throw new DeltaError(
    'invalid',
    `Cannot compare the column ${column} of type ${name} with ${String(value)}`,
  );
}

/** The section "Partition Value Serialization". A file has one value in all of its rows, or NULL. */
export function partitionBounds(value: string, type: DataType): Bounds {
  const exact = toComparable(value, type);
  if (exact === undefined) return {};
  // Without a zone, the value is in that of the machine that wrote it, which nobody knows.
  if (type === 'timestamp' && !HAS_ZONE.test(value)) return widened(exact, ZONE_MAX_US);
  return roundingOf(type, { min: exact, max: exact });
}

/** The section "Per-file Statistics": text is cut off, timestamps are cut to milliseconds. */
export function statsBounds(min: unknown, max: unknown, type: DataType): Bounds {
  if (typeof type !== 'string') return {};
  const low = statValue(min, type);
  const high = statValue(max, type);
  if (type === 'float' || type === 'double') {
    // Some writers leave NaN out, and it is greater than every number: there is no upper bound to rely on.
    return roundingOf(type, { min: low });
  }
  if (type === 'string') return { min: low, max: typeof high === 'string' ? textMax(high) : undefined };
  if (type === 'timestamp' || type === 'timestamp_ntz') {
    return { min: low, max: typeof high === 'number' ? high + 999 : undefined };
  }
  return roundingOf(type, { min: low, max: high });
}

const HAS_ZONE = /(?:Z|[+-]\d{2}:?\d{2})$/i;
const ZONE_MAX_US = 15 * 3_600_000_000;
const TEXT_PREFIX_MIN = 32;

/** What may have been cut off at the end could have been anything. */
function textMax(max: string): string {
  return max.length < TEXT_PREFIX_MIN ? max : `${max}\u{10ffff}`;
}

function statValue(value: unknown, type: DataType): Comparable | undefined {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return undefined;
  // JSON.parse has rounded what is beyond a double's whole numbers.
  if (isIntegral(type) && !Number.isSafeInteger(value)) return undefined;
  return toComparable(value, type);
}

/** JSON's and JavaScript's numbers round decimals, and floats are written with fewer digits than they have. */
function roundingOf(type: DataType, bounds: Bounds): Bounds {
  if (typeof type !== 'string') return {};
  const relative = type === 'float' ? 2 ** -22 : type.startsWith('decimal') ? 2 ** -50 : 0;
  if (relative === 0) return bounds;
  const { min, max } = bounds;
  return {
    min: typeof min === 'number' ? min - Math.abs(min) * relative : undefined,
    max: typeof max === 'number' ? max + Math.abs(max) * relative : undefined,
  };
}

function widened(value: Comparable, by: number): Bounds {
  return typeof value === 'number' ? { min: value - by, max: value + by } : {};
}

export function toComparable(value: Exclude<Literal, null>, type: DataType): Comparable | undefined {
  if (typeof type !== 'string' || type === 'binary') return undefined;
  if (type === 'string') return typeof value === 'string' ? value : undefined;
  if (type === 'boolean') return toBoolean(value);
  if (type === 'date' || type === 'timestamp' || type === 'timestamp_ntz') return toMicroseconds(value);
  return toNumber(value, type);
}

function toBoolean(value: Exclude<Literal, null>): number | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value === 'true' ? 1 : value === 'false' ? 0 : undefined;
}

function toNumber(value: Exclude<Literal, null>, type: DataType): number | bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return Number.isNaN(value) ? undefined : value;
  if (typeof value !== 'string') return undefined;
  if (isIntegral(type) && /^[+-]?\d{1,19}$/.test(value)) {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : BigInt(value);
  }
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) ? Number(value) : undefined;
}

const DATE_OR_TIME =
  /^([+-]?\d{4,6}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:?\d{2})?)?$/i;

function toMicroseconds(value: Exclude<Literal, null>): number | undefined {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.getTime() * 1000;
  if (typeof value !== 'string') return undefined;
  const match = DATE_OR_TIME.exec(value);
  if (!match) return undefined;
  const [, day, time = '00:00:00', fraction = '', zone = 'Z'] = match;
  const ms = Date.parse(`${day}T${time}${zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone}`);
  const us = ms * 1000 + Number(fraction.slice(0, 6).padEnd(6, '0'));
  return Number.isSafeInteger(us) ? us : undefined;
}

function isIntegral(type: DataType): boolean {
  return type === 'long' || type === 'integer' || type === 'short' || type === 'byte';
}

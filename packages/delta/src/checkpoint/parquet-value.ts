import { toComparable } from '../prune/values.js';
import type { DataType } from '../schema.js';

type Convert = (value: unknown) => unknown;

/**
 * From a value as an action or its statistics have it (in JSON) to what the Parquet writer takes: longs as bigint,
 * dates as days and timestamps as microseconds. What does not fit the type becomes null.
 */
export function leafValue(type: DataType): Convert {
  return (typeof type === 'string' ? PRIMITIVES[type] : undefined) ?? (() => null);
}

const PRIMITIVES: Partial<Record<string, Convert>> = {
  string: (value) => (typeof value === 'string' ? value : null),
  boolean: (value) => (typeof value === 'boolean' ? value : null),
  long: (value) => (Number.isSafeInteger(value) ? BigInt(value as number) : null),
  integer: (value) => (Number.isInteger(value) ? value : null),
  short: (value) => (Number.isInteger(value) ? value : null),
  byte: (value) => (Number.isInteger(value) ? value : null),
  float: (value) => (typeof value === 'number' ? value : null),
  double: (value) => (typeof value === 'number' ? value : null),
  date: (value) => {
    const us = microseconds(value);
    return us === null ? null : Math.floor(us / 86_400_000_000);
  },
  timestamp: microsecondsBig,
  timestamp_ntz: microsecondsBig,
};

function microsecondsBig(value: unknown): bigint | null {
  const us = microseconds(value);
  return us === null ? null : BigInt(us);
}

function microseconds(value: unknown): number | null {
  const us = typeof value === 'string' ? toComparable(value, 'timestamp') : undefined;
  return typeof us === 'number' ? us : null;
}

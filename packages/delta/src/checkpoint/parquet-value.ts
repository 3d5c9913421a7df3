import { toComparable } from '../prune/values.js';
import type { DataType, StructType } from '../schema.js';

type Convert = (value: unknown) => unknown;

/**
 * From a value as an action or its statistics have it (in JSON) to what the Parquet writer takes: longs as bigint,
 * dates as days and timestamps as microseconds. What does not fit the type becomes null.
 */
export function parquetValue(type: DataType): Convert {
  if (typeof type === 'string') return PRIMITIVES[type] ?? (() => null);
  if (type.type === 'struct') return structValue(type);
  if (type.type === 'array') {
    const element = parquetValue(type.elementType);
    return (value) => (Array.isArray(value) ? value.map(element) : null);
  }
  const item = parquetValue(type.valueType);
  return (value) => (isRecord(value) ? Object.entries(value).map(([key, of]) => [key, item(of)]) : null);
}

function structValue({ fields }: StructType): Convert {
  const converts = fields.map(({ name, type }) => [name, parquetValue(type)] as const);
  return (value) => {
    if (!isRecord(value)) return null;
    const struct: Record<string, unknown> = {};
    for (const [name, convert] of converts) {
      const field = Object.hasOwn(value, name) ? value[name] : undefined;
      struct[name] = field === undefined || field === null ? null : convert(field);
    }
    return struct;
  };
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

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

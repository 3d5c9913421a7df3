import type { DataType, Row, StructType } from '../../src/index.js';
import { parseTimestamp } from '../../src/rows/time.js';

/** Rows as sorted JSON, each value as `canonical.py` writes it: what must be the same wherever a table is read. */
export function canonicalRows(rows: readonly Row[], { fields }: StructType): string[] {
  return rows
    .map((row) => JSON.stringify(fields.map(({ name, type }) => canonical(row[name], type))))
    .sort(byText);
}

/** As Python sorts: by code points. */
export function byText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function canonical(value: unknown, type: DataType): unknown {
  if (value === null || value === undefined) return null;
  if (typeof type !== 'string') return nested(value, type);
  switch (type) {
    case 'byte':
    case 'short':
    case 'integer':
    case 'long':
      return `i${value}`;
    case 'float':
    case 'double':
      return double(value as number);
    case 'timestamp':
    case 'timestamp_ntz':
      return `t${parseTimestamp(value as string)!.us}`;
    case 'binary':
      return `x${Buffer.from(value as Uint8Array).toString('hex')}`;
    default:
      return type.startsWith('decimal') ? `d${value}` : value;
  }
}

function nested(value: unknown, type: Exclude<DataType, string>): unknown {
  switch (type.type) {
    case 'struct':
      return type.fields.map((field) => canonical((value as Row)[field.name], field.type));
    case 'array':
      return (value as unknown[]).map((item) => canonical(item, type.elementType));
    case 'map': {
      const entries = [...(value as Map<unknown, unknown>)].map(([key, item]) => [
        canonical(key, type.keyType),
        canonical(item, type.valueType),
      ]);
      // Python does not tell an empty map from an empty list.
      return entries.length === 0 ? [] : { map: entries.sort(byJson) };
    }
  }
}

function byJson(a: unknown, b: unknown): number {
  return byText(JSON.stringify(a), JSON.stringify(b));
}

function double(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return `f${bytes.toString('hex')}`;
}

/** ClickHouse's lines of JSON as the others' rows. It has no NULL in place of a list or a map, which come out empty. */
export function clickHouseRows(lines: readonly string[], { fields }: StructType): string[] {
  return lines
    .map((line) => {
      const row = JSON.parse(line) as unknown[];
      return JSON.stringify(fields.map(({ type }, i) => canonical(fromJson(row[i], type), type)));
    })
    .sort(byText);
}

function fromJson(value: unknown, type: DataType): unknown {
  if (value === null) return null;
  if (typeof type !== 'string') {
    if (type.type === 'struct') {
      return Object.fromEntries(
        type.fields.map((field, i) => [field.name, fromJson((value as unknown[])[i], field.type)]),
      );
    }
    if (type.type === 'array') return (value as unknown[]).map((item) => fromJson(item, type.elementType));
    return new Map(
      Object.entries(value as object).map(([key, item]) => [
        fromJson(key, type.keyType),
        fromJson(item, type.valueType),
      ]),
    );
  }
  if (type === 'boolean') return Boolean(value);
  if (type === 'float' || type === 'double') return SPECIAL[value as string] ?? Number(value);
  if (type === 'timestamp' || type === 'timestamp_ntz') return value;
  if (type === 'binary') return Buffer.from(value as string, 'hex');
  if (type.startsWith('decimal')) {
    const scale = Number(/,\s*(\d+)/.exec(type)?.[1] ?? 0);
    const [whole, fraction = ''] = String(value).split('.');
    return scale === 0 ? whole : `${whole}.${fraction.padEnd(scale, '0')}`;
  }
  return type === 'string' || type === 'date' ? value : String(value);
}

const SPECIAL: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  '-nan': Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
};

/** A schema without what engines may say differently: nullability, metadata. */
export function plainSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(plainSchema);
  if (typeof schema !== 'object' || schema === null) return schema;
  const dropped = ['nullable', 'metadata', 'containsNull', 'valueContainsNull'];
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([name]) => !dropped.includes(name))
      .map(([name, value]) => [name, plainSchema(value)]),
  );
}

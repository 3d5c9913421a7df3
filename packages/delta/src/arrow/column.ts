import { DeltaError } from '../errors.js';
import type { DataType } from '../schema.js';
import { childrenOf } from './schema.js';

/** Values as `parquet/convert.ts` has them, null where there is none. */
export type Values = ArrayLike<unknown>;

/** Where the parts of a record batch go, depth first. */
export interface Parts {
  nodes: [rows: number, nulls: number][];
  buffers: Uint8Array[];
}

/** Adds a column to a record batch: section "Physical Memory Layout" of Arrow's columnar format. */
export function addColumn(type: DataType, values: Values, into: Parts): void {
  const { length } = values;
  if (type === 'void') {
    into.nodes.push([length, length]);
    return;
  }
  const { nulls, bitmap } = validity(values);
  into.nodes.push([length, nulls]);
  into.buffers.push(bitmap);
  if (typeof type === 'string') into.buffers.push(...primitive(type, values));
  else if (type.type === 'struct') {
    for (const field of type.fields) addColumn(field.type, fieldValues(values, field.name), into);
  } else {
    const { offsets, items } = flattened(values);
    into.buffers.push(bytesOf(offsets));
    addColumn(childrenOf(type)[0]!.type, items, into);
  }
}

/** A bit for each value that is there. None at all where none is missing. */
function validity(values: Values): { nulls: number; bitmap: Uint8Array } {
  if (ArrayBuffer.isView(values)) return { nulls: 0, bitmap: new Uint8Array(0) };
  const bitmap = new Uint8Array((values.length + 7) >> 3);
  let nulls = 0;
  for (let i = 0; i < values.length; i++) {
    if (isNull(values[i])) nulls++;
    else bitmap[i >> 3]! |= 1 << (i & 7);
  }
  return { nulls, bitmap: nulls === 0 ? new Uint8Array(0) : bitmap };
}

function isNull(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function primitive(type: string, values: Values): Uint8Array[] {
  switch (type) {
    case 'boolean':
      return [bits(values)];
    case 'byte':
      return [bytesOf(numbers(new Int8Array(values.length), values))];
    case 'short':
      return [bytesOf(numbers(new Int16Array(values.length), values))];
    case 'integer':
    case 'date':
      return [bytesOf(numbers(new Int32Array(values.length), values))];
    case 'float':
      return [bytesOf(numbers(new Float32Array(values.length), values))];
    case 'double':
      return [bytesOf(numbers(new Float64Array(values.length), values))];
    case 'long':
    case 'timestamp':
    case 'timestamp_ntz':
      return [bytesOf(longs(values))];
    case 'string':
      return texts(values);
    case 'binary':
      return binaries(values);
    default:
      return [decimals(values)];
  }
}

/** Of a column they are 0 and 1, inside of others true and false. */
function bits(values: Values): Uint8Array {
  const to = new Uint8Array((values.length + 7) >> 3);
  for (let i = 0; i < values.length; i++) if (values[i]) to[i >> 3]! |= 1 << (i & 7);
  return to;
}

type Numbers = Int8Array | Int16Array | Int32Array | Float32Array | Float64Array;

function numbers<T extends Numbers>(to: T, values: Values): T {
  for (let i = 0; i < values.length; i++) to[i] = (values[i] as number | null) ?? 0;
  return to;
}

function longs(values: Values): BigInt64Array {
  if (values instanceof BigInt64Array) return values;
  const to = new BigInt64Array(values.length);
  for (let i = 0; i < values.length; i++) to[i] = (values[i] as bigint | null) ?? 0n;
  return to;
}

/** 128 bits in two's complement, least significant byte first. */
function decimals(values: Values): Uint8Array {
  const to = new BigInt64Array(2 * values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as bigint | null | undefined;
    if (isNull(value)) continue;
    to[2 * i] = BigInt.asIntN(64, value);
    to[2 * i + 1] = value >> 64n;
  }
  return bytesOf(to);
}

const offsetMax = 2 ** 31 - 1;

function texts(values: Values): Uint8Array[] {
  const offsets = new Int32Array(values.length + 1);
  let bytes: Buffer = Buffer.allocUnsafe(values.length * 16 + 64);
  let used = 0;
  for (let i = 0; i < values.length; i++) {
    const text = values[i] as string | null | undefined;
    if (!isNull(text)) {
      // A UTF-16 unit takes at most three bytes.
      if (used + 3 * text.length > bytes.length) bytes = enlarged(bytes, used, 3 * text.length);
      used += bytes.write(text, used);
    }
    offsets[i + 1] = checkOffset(used);
  }
  return [bytesOf(offsets), bytes.subarray(0, used)];
}

function enlarged(bytes: Buffer, used: number, by: number): Buffer {
  const larger = Buffer.allocUnsafe(2 * bytes.length + by);
  bytes.copy(larger, 0, 0, used);
  return larger;
}

function binaries(values: Values): Uint8Array[] {
  const offsets = new Int32Array(values.length + 1);
  const parts: Uint8Array[] = [];
  let used = 0;
  for (let i = 0; i < values.length; i++) {
    const part = values[i] as Uint8Array | null | undefined;
    if (!isNull(part)) {
      parts.push(part);
      used += part.length;
    }
    offsets[i + 1] = checkOffset(used);
  }
  return [bytesOf(offsets), Buffer.concat(parts)];
}

/** Items of all arrays, or entries of all maps, one after the other. */
function flattened(values: Values): { offsets: Int32Array; items: unknown[] } {
  const offsets = new Int32Array(values.length + 1);
  const items: unknown[] = [];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as unknown[] | Map<unknown, unknown> | null | undefined;
    if (value instanceof Map) for (const [key, item] of value) items.push({ key, value: item });
    else if (!isNull(value)) for (const item of value) items.push(item);
    offsets[i + 1] = checkOffset(items.length);
  }
  return { offsets, items };
}

function fieldValues(values: Values, name: string): unknown[] {
  return Array.from(values, (value) => (isNull(value) ? null : (value as Record<string, unknown>)[name]));
}

function checkOffset(offset: number): number {
  if (offset <= offsetMax) return offset;
  throw new DeltaError(
    'unsupported',
    'A column of one record batch takes more than 2 GiB',
    {},
    'Read the table row by row, or fewer columns.',
  );
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

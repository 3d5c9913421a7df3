import { DeltaError } from '../errors.js';
import type { PrimitiveType } from '../schema.js';
import type { FromBytes, PhysicalArray } from './column.js';
import type { ParquetNode } from './metadata.js';

/**
 * From Parquet's values to those that this package computes with:
 *
 * | Delta | value |
 * | --- | --- |
 * | byte, short, integer, float, double | number |
 * | long | bigint |
 * | decimal | bigint, unscaled |
 * | date | number, days since 1970 |
 * | timestamp, timestamp_ntz | bigint, microseconds since 1970 |
 * | string, boolean, binary | string, boolean (0 or 1 in columns), Uint8Array |
 *
 * A file may hold an older, narrower type than the table: the protocol's section "Type Widening" says which.
 */
export interface LeafConversion {
  readonly fromBytes: FromBytes;
  /** From the physical values to the table's; undefined where they are the same. */
  readonly convert?: (values: PhysicalArray, count: number) => PhysicalArray;
}

/** @throws DeltaError of kind `corrupt` where the file's type cannot become the table's. */
export function leafConversion(node: ParquetNode, type: PrimitiveType, column: string): LeafConversion {
  const conversion = byType(node, type);
  if (conversion) return conversion;
  const file = `${node.physical ?? 'a group'}${node.annotation ? ` (${node.annotation})` : ''}`;
  throw new DeltaError('corrupt', `column ${column} is ${type} in the table and ${file} in the file`);
}

// A copy: a slice of a Buffer would keep the whole page alive, and be a Buffer.
const same: LeafConversion = { fromBytes: (bytes) => new Uint8Array(bytes) };

function byType(node: ParquetNode, type: PrimitiveType): LeafConversion | undefined {
  const { physical, annotation } = node;
  switch (type) {
    case 'boolean':
      return physical === 'BOOLEAN' ? same : undefined;
    case 'byte':
    case 'short':
    case 'integer':
      return isInteger(node) && physical === 'INT32' ? same : undefined;
    case 'long':
      if (!isInteger(node)) return undefined;
      return physical === 'INT64' ? same : numbers((v) => BigInt64Array.from(v as Int32Array, BigInt));
    case 'float':
      return physical === 'FLOAT' ? same : undefined;
    case 'double':
      if (physical === 'DOUBLE') return same;
      if (physical === 'FLOAT' || (physical === 'INT32' && isInteger(node))) {
        return numbers((v) => Float64Array.from(v as Int32Array));
      }
      return undefined;
    case 'string':
      return physical === 'BYTE_ARRAY' && annotation !== 'decimal' ? { fromBytes: utf8 } : undefined;
    case 'binary':
      return physical === 'BYTE_ARRAY' || physical === 'FIXED_LEN_BYTE_ARRAY' ? same : undefined;
    case 'date':
      return physical === 'INT32' && (annotation === 'date' || annotation === undefined) ? same : undefined;
    case 'timestamp':
    case 'timestamp_ntz':
      return timestamp(node);
    default:
      return decimal(node, type);
  }
}

function isInteger(node: ParquetNode): boolean {
  return (
    (node.physical === 'INT32' || node.physical === 'INT64') &&
    (node.annotation === undefined || node.annotation === 'unsigned')
  );
}

function numbers(convert: (values: PhysicalArray) => PhysicalArray): LeafConversion {
  return { fromBytes: same.fromBytes, convert: (values, count) => convert(values.slice(0, count)) };
}

function utf8(bytes: Uint8Array): string {
  // Buffer's decoder is several times faster than TextDecoder for short strings.
  return Buffer.prototype.utf8Slice.call(bytes, 0, bytes.length);
}

const dayUs = 86_400_000_000n;

function timestamp(node: ParquetNode): LeafConversion | undefined {
  if (node.physical === 'INT96') return { fromBytes: int96Us };
  if (node.physical === 'INT32' && node.annotation === 'date') {
    return numbers((v) => BigInt64Array.from(v as Int32Array, (days) => BigInt(days) * dayUs));
  }
  if (node.physical !== 'INT64') return undefined;
  switch (node.timeUnit) {
    case 'MILLIS':
      return numbers((v) => (v as BigInt64Array).map((ms) => ms * 1000n));
    case 'NANOS':
      return numbers((v) => (v as BigInt64Array).map((ns) => floorDiv(ns, 1000n)));
    default:
      return annotationIsTime(node) ? same : undefined;
  }
}

function annotationIsTime(node: ParquetNode): boolean {
  return node.annotation === 'timestamp' || node.annotation === undefined;
}

function floorDiv(a: bigint, b: bigint): bigint {
  const q = a / b;
  return q * b > a ? q - 1n : q;
}

/** Nanoseconds of the day, then the Julian day: what Spark and Impala used to write. */
function int96Us(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 12);
  const days = BigInt(view.getInt32(8, true) - 2_440_588);
  return days * dayUs + floorDiv(view.getBigInt64(0, true), 1000n);
}

/** Precision and scale of `decimal(p,s)`. */
export function decimalOf(type: string): { precision: number; scale: number } | undefined {
  const match = /^decimal\((\d+),\s*(-?\d+)\)$/.exec(type);
  return match ? { precision: Number(match[1]), scale: Number(match[2]) } : undefined;
}

function decimal(node: ParquetNode, type: string): LeafConversion | undefined {
  const target = decimalOf(type);
  if (target === undefined) return undefined;
  if (node.annotation !== 'decimal' && !isInteger(node)) return undefined;
  if (node.scale > target.scale) return undefined;
  const factor = 10n ** BigInt(target.scale - node.scale);
  switch (node.physical) {
    case 'INT32':
      return numbers((v) => Array.from(v as Int32Array, (n) => BigInt(n) * factor));
    case 'INT64':
      return factor === 1n ? same : numbers((v) => Array.from(v as BigInt64Array, (n) => n * factor));
    case 'FIXED_LEN_BYTE_ARRAY':
    case 'BYTE_ARRAY':
      return { fromBytes: (bytes) => bigEndian(bytes) * factor };
    default:
      return undefined;
  }
}

/** Two's complement, most significant byte first. */
function bigEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return BigInt.asIntN(bytes.length * 8, value);
}

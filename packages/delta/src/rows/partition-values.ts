import { DeltaError } from '../errors.js';
import { decimalOf } from '../parquet/convert.js';
import type { DataType } from '../schema.js';
import { dateText, localToUtc, parseDate, parseTimestamp, timestampText } from './time.js';
import { decimalText, parseDecimal } from './values.js';

/**
 * From the log's text to the value, by the protocol's section "Partition Value Serialization". The empty text is
 * null. A timestamp without a zone is in that of the machine that wrote it, which the log does not tell.
 * @param timeZone where that machine was
 * @throws DeltaError of kind `corrupt` where the text is no value of the column's type
 */
export function parsePartitionValue(
  text: string | null | undefined,
  type: DataType,
  column: string,
  timeZone = 'UTC',
): unknown {
  if (text === null || text === undefined || text === '') return null;
  const value = typeof type === 'string' ? parse(text, type, timeZone) : undefined;
  if (value !== undefined) return value;
  throw new DeltaError(
    'corrupt',
    `the partition value ${JSON.stringify(text.slice(0, 100))} of column ${column} is no ${String(type)}`,
  );
}

/**
 * From the value to the log's text. Timestamps are in UTC, as ISO 8601, which the protocol recommends. Empty text
 * becomes null, since the log cannot tell them apart.
 * @throws DeltaError of kind `invalid` for bytes that are no UTF-8
 */
export function formatPartitionValue(value: unknown, type: DataType): string | null {
  if (value === null) return null;
  return format(value, type) || null;
}

function format(value: unknown, type: DataType): string {
  switch (type) {
    case 'date':
      return dateText(value as number);
    case 'timestamp':
      return timestampText(value as bigint, true);
    case 'timestamp_ntz':
      return timestampText(value as bigint, false).replace('T', ' ');
    case 'binary': {
      const text = Buffer.from(value as Uint8Array).toString('utf8');
      if (Buffer.from(text, 'utf8').equals(value as Uint8Array)) return text;
      throw new DeltaError('invalid', 'Bytes that are no UTF-8 cannot be a partition value');
    }
    default: {
      const decimal = typeof type === 'string' ? decimalOf(type) : undefined;
      return decimal ? decimalText(value as bigint, decimal.scale) : String(value);
    }
  }
}

const integerBits: Record<string, bigint> = { byte: 8n, short: 16n, integer: 32n, long: 64n };

function parse(text: string, type: string, timeZone: string): unknown {
  switch (type) {
    case 'string':
      return text;
    case 'byte':
    case 'short':
    case 'integer':
    case 'long':
      return parseInteger(text, type);
    case 'float':
    case 'double':
      return parseFloating(text, type);
    case 'boolean':
      return /^(true|false)$/i.test(text) ? text.toLowerCase() === 'true' : undefined;
    case 'date':
      return parseDate(text);
    case 'timestamp_ntz':
      return parseTimestamp(text)?.us;
    case 'timestamp': {
      const time = parseTimestamp(text);
      return time && (time.zoned || timeZone === 'UTC' ? time.us : localToUtc(time.us, timeZone));
    }
    case 'binary':
      return new Uint8Array(Buffer.from(text, 'utf8'));
    default: {
      const decimal = decimalOf(type);
      return decimal && parseDecimal(text, decimal.precision, decimal.scale);
    }
  }
}

function parseInteger(text: string, type: string): number | bigint | undefined {
  if (!/^[+-]?\d{1,20}$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/, ''));
  if (BigInt.asIntN(Number(integerBits[type]), value) !== value) return undefined;
  return type === 'long' ? value : Number(value);
}

function parseFloating(text: string, type: string): number | undefined {
  const special: Record<string, number> = { NaN: Number.NaN, Infinity: Infinity, '-Infinity': -Infinity };
  if (Object.hasOwn(special, text)) return special[text];
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return undefined;
  return type === 'float' ? Math.fround(Number(text)) : Number(text);
}

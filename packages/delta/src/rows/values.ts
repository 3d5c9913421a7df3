import { DeltaError } from '../errors.js';
import { setField } from '../parquet/assemble.js';
import { decimalOf } from '../parquet/convert.js';
import type { DataType, StructType } from '../schema.js';
import { dateText, parseDate, parseTimestamp, timestampText } from './time.js';

/**
 * A row as the user sees it. By type of column:
 *
 * | Delta | out | in |
 * | --- | --- | --- |
 * | string, boolean | string, boolean | the same |
 * | byte, short, integer | number | number or bigint in range |
 * | long | bigint | bigint or safe integer |
 * | float, double | number | number |
 * | decimal(p,s) | text, `'12.50'` | text, integer, bigint, or a number that needs no more digits |
 * | date | text, `'2024-05-31'` | text or Date (its day in UTC) |
 * | timestamp | text, `'2024-05-31T12:00:00.000000Z'` | text with offset (or in UTC), Date, bigint of microseconds |
 * | timestamp_ntz | text without `Z` | text without offset, bigint of microseconds |
 * | binary | Uint8Array | Uint8Array |
 * | struct, array, map | object, array, Map | object, array, Map or (keys of text) object |
 *
 * Null is null everywhere; `undefined` counts as null on the way in.
 */
export type Row = Record<string, unknown>;

/** From the values of `parquet/convert.ts` to the user's. */
export function toUser(type: DataType): (value: unknown) => unknown {
  if (typeof type === 'string') return primitiveToUser(type);
  switch (type.type) {
    case 'struct': {
      const fields = type.fields.map((f) => ({ name: f.name, convert: nullable(toUser(f.type)) }));
      return (value) => {
        const row: Row = {};
        for (const { name, convert } of fields) setField(row, name, convert((value as Row)[name]));
        return row;
      };
    }
    case 'array': {
      const convert = nullable(toUser(type.elementType));
      return (value) => (value as unknown[]).map(convert);
    }
    case 'map': {
      const key = toUser(type.keyType);
      const item = nullable(toUser(type.valueType));
      return (value) => new Map(Array.from(value as Map<unknown, unknown>, ([k, v]) => [key(k), item(v)]));
    }
  }
}

/** From the user's values to those of `parquet/convert.ts`. @throws DeltaError of kind `invalid` */
export function fromUser(type: DataType, column: string): (value: unknown) => unknown {
  if (typeof type === 'string') return primitiveFromUser(type, column);
  switch (type.type) {
    case 'struct':
      return structFromUser(type, column);
    case 'array': {
      const item = fromUserNullable(type.elementType, type.containsNull, `${column}.element`);
      return (value) => {
        if (!Array.isArray(value)) throw invalid(column, 'an array', value);
        return value.map(item);
      };
    }
    case 'map': {
      const key = fromUserNullable(type.keyType, false, `${column}.key`);
      const item = fromUserNullable(type.valueType, type.valueContainsNull, `${column}.value`);
      return (value) => {
        const entries =
          value instanceof Map ? [...value] : isPlainObject(value) ? Object.entries(value) : undefined;
        if (entries === undefined) throw invalid(column, 'a Map', value);
        return new Map(entries.map(([k, v]) => [key(k), item(v)]));
      };
    }
  }
}

/** The same where null may or may not be. @throws DeltaError of kind `invalid` */
export function fromUserNullable(
  type: DataType,
  nulls: boolean,
  column: string,
): (value: unknown) => unknown {
  const convert = fromUser(type, column);
  return (value) => {
    if (value !== null && value !== undefined) return convert(value);
    if (!nulls) throw new DeltaError('invalid', `column ${column} is NOT NULL and a row has no value for it`);
    return null;
  };
}

function nullable(convert: (value: unknown) => unknown): (value: unknown) => unknown {
  return (value) => (value === null || value === undefined ? null : convert(value));
}

function primitiveToUser(type: string): (value: unknown) => unknown {
  switch (type) {
    case 'boolean':
      return (value) => value === true || value === 1;
    case 'date':
      return (value) => dateText(value as number);
    case 'timestamp':
      return (value) => timestampText(value as bigint, true);
    case 'timestamp_ntz':
      return (value) => timestampText(value as bigint, false);
    default: {
      const decimal = decimalOf(type);
      return decimal ? (value) => decimalText(value as bigint, decimal.scale) : (value) => value;
    }
  }
}

/** `1250n` with scale 2 is `12.50`. */
export function decimalText(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const sign = unscaled < 0n ? '-' : '';
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** The unscaled number; undefined where the text is no number, or has more digits than fit. */
export function parseDecimal(text: string, precision: number, scale: number): bigint | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  if (match === null || (match[2] === '' && !match[3])) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const shift = scale + Number(exponent) - fraction.length;
  let digits = BigInt(whole + fraction);
  if (shift >= 0) digits *= 10n ** BigInt(shift);
  else {
    const divisor = 10n ** BigInt(-shift);
    if (digits % divisor !== 0n) return undefined;
    digits /= divisor;
  }
  if (digits >= 10n ** BigInt(precision)) return undefined;
  return sign === '-' ? -digits : digits;
}

const integerBounds: Record<string, number> = { byte: 2 ** 7, short: 2 ** 15, integer: 2 ** 31 };

function primitiveFromUser(type: string, column: string): (value: unknown) => unknown {
  switch (type) {
    case 'string':
      // Half a surrogate pair has no UTF-8: it would come back as another character.
      return check(column, 'text', (v) => (typeof v === 'string' && !/\p{Cs}/u.test(v) ? v : undefined));
    case 'boolean':
      return check(column, 'true or false', (v) => (typeof v === 'boolean' ? v : undefined));
    case 'byte':
    case 'short':
    case 'integer': {
      const bound = integerBounds[type] as number;
      return check(column, `an integer from ${-bound} to ${bound - 1}`, (v) => {
        const n = typeof v === 'bigint' ? Number(v) : v;
        return typeof n === 'number' && Number.isInteger(n) && n >= -bound && n < bound ? n + 0 : undefined;
      });
    }
    case 'long':
      return check(column, 'a bigint or a safe integer', (v) => {
        const n = typeof v === 'number' && Number.isSafeInteger(v) ? BigInt(v) : v;
        return typeof n === 'bigint' && BigInt.asIntN(64, n) === n ? n : undefined;
      });
    case 'float':
      return check(column, 'a number', (v) => (typeof v === 'number' ? Math.fround(v) : undefined));
    case 'double':
      return check(column, 'a number', (v) => (typeof v === 'number' ? v : undefined));
    case 'void':
      return check(column, 'null', () => undefined);
    case 'binary':
      return check(column, 'a Uint8Array', (v) => (v instanceof Uint8Array ? v : undefined));
    case 'date':
      return check(column, "a Date or text like '2024-05-31'", dateFromUser);
    case 'timestamp':
      return check(column, "a Date or text like '2024-05-31T12:00:00Z'", (v) => timestampFromUser(v, true));
    case 'timestamp_ntz':
      return check(column, "text like '2024-05-31T12:00:00'", (v) => timestampFromUser(v, false));
    default:
      return decimalFromUser(type, column);
  }
}

function dateFromUser(value: unknown): number | undefined {
  if (value instanceof Date) {
    const days = Math.floor(value.getTime() / 86_400_000);
    return Number.isNaN(days) ? undefined : days;
  }
  return typeof value === 'string' ? parseDate(value) : undefined;
}

function timestampFromUser(value: unknown, zoned: boolean): bigint | undefined {
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value ? value : undefined;
  if (value instanceof Date) {
    return zoned && !Number.isNaN(value.getTime()) ? BigInt(value.getTime()) * 1000n : undefined;
  }
  const parsed = typeof value === 'string' ? parseTimestamp(value) : undefined;
  return parsed === undefined || (parsed.zoned && !zoned) ? undefined : parsed.us;
}

function decimalFromUser(type: string, column: string): (value: unknown) => unknown {
  const decimal = decimalOf(type);
  if (decimal === undefined) {
    throw new DeltaError(
      'unsupported',
      `column ${column} has the type ${type}, which this package does not know`,
    );
  }
  const { precision, scale } = decimal;
  return check(column, `a number of at most ${precision - scale} digits and ${scale} decimal places`, (v) => {
    if (typeof v !== 'string' && typeof v !== 'number' && typeof v !== 'bigint') return undefined;
    return parseDecimal(String(v), precision, scale);
  });
}

function structFromUser(type: StructType, column: string): (value: unknown) => unknown {
  const convert = rowFromUser(type, `${column}.`);
  return (value) => {
    if (!isPlainObject(value)) throw invalid(column, 'an object', value);
    return convert(value);
  };
}

/** An object to an object of the schema's fields, complete. @throws DeltaError of kind `invalid` */
function rowFromUser(schema: StructType, prefix = ''): (row: Row) => Row {
  const fields = schema.fields.map((f) => ({
    name: f.name,
    convert: fromUserNullable(f.type, f.nullable, prefix + f.name),
  }));
  const names = new Set(fields.map((f) => f.name));
  return (row) => {
    const converted: Row = {};
    for (const { name, convert } of fields) {
      setField(converted, name, convert(Object.hasOwn(row, name) ? row[name] : null));
    }
    for (const name of Object.keys(row)) {
      if (!names.has(name)) {
        throw new DeltaError(
          'invalid',
          `a row has ${prefix}${name}, which is no column of the table`,
          {},
          'Columns are spelled exactly as in the schema; `schemaEvolution` adds new ones where asked to.',
        );
      }
    }
    return converted;
  };
}

function check(
  column: string,
  expected: string,
  convert: (value: unknown) => unknown,
): (value: unknown) => unknown {
  return (value) => {
    const converted = convert(value);
    if (converted === undefined) throw invalid(column, expected, value);
    return converted;
  };
}

function invalid(column: string, expected: string, value: unknown): DeltaError {
  return new DeltaError('invalid', `column ${column} takes ${expected}, not ${shown(value)}`);
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'object') return value === null ? 'null' : `a ${value.constructor?.name ?? 'object'}`;
  return String(value);
}

function isPlainObject(value: unknown): value is Row {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Date) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof Map)
  );
}

import {
  type DuckDBBlobValue,
  type DuckDBDateValue,
  type DuckDBListValue,
  type DuckDBMapValue,
  type DuckDBStructValue,
  DuckDBTimestampTZValue,
  type DuckDBTimestampValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import type { DataType } from '@eventlake/delta';
import { isoMicros } from '../values.js';

/** From DuckDB's value to what `table.scan` of @eventlake/delta gives for the type: see its table of types. */
export function deltaValue(type: DataType): (value: DuckDBValue) => unknown {
  const convert = notNull(type);
  return (value) => (value === null ? null : convert(value));
}

function notNull(type: DataType): (value: DuckDBValue) => unknown {
  if (typeof type === 'string') {
    if (type === 'timestamp' || type === 'timestamp_ntz') return timestampText;
    if (type === 'date' || type.startsWith('decimal'))
      return (value) => (value as DuckDBDateValue).toString();
    if (type === 'binary') return (value) => new Uint8Array((value as DuckDBBlobValue).bytes);
    return (value) => value;
  }
  if (type.type === 'array') {
    const item = deltaValue(type.elementType);
    return (value) => (value as DuckDBListValue).items.map(item);
  }
  if (type.type === 'map') {
    const [key, item] = [deltaValue(type.keyType), deltaValue(type.valueType)];
    return (value) =>
      new Map((value as DuckDBMapValue).entries.map((entry) => [key(entry.key), item(entry.value)]));
  }
  const fields = type.fields.map((field) => ({ name: field.name, of: deltaValue(field.type) }));
  return (value) => {
    const { entries } = value as DuckDBStructValue;
    return Object.fromEntries(fields.map(({ name, of }) => [name, of(entries[name] ?? null)]));
  };
}

function timestampText(value: DuckDBValue): string {
  const text = isoMicros((value as DuckDBTimestampValue).micros);
  return value instanceof DuckDBTimestampTZValue ? text : text.slice(0, -1);
}

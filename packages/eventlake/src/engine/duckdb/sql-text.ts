import type { DataType } from '@eventlake/delta';
import type { Dialect } from '../delta/sql.js';

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text literal. A NUL, which a text may hold, would end the statement. */
export function quoteText(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\0') ? `(${quoted.replaceAll('\0', "' || chr(0) || '")})` : quoted;
}

/** The DuckDB type that reads and writes a Delta type (protocol section "Primitive Types") without loss. */
export function duckdbTypeOf(type: DataType): string {
  if (typeof type === 'string') {
    return type.startsWith('decimal') ? type.toUpperCase() : primitives[type as keyof typeof primitives];
  }
  switch (type.type) {
    case 'array':
      return `${duckdbTypeOf(type.elementType)}[]`;
    case 'map':
      return `MAP(${duckdbTypeOf(type.keyType)}, ${duckdbTypeOf(type.valueType)})`;
    case 'struct': {
      const fields = type.fields.map(({ name, type }) => `${quoteName(name)} ${duckdbTypeOf(type)}`);
      return `STRUCT(${fields.join(', ')})`;
    }
  }
}

const primitives = {
  string: 'VARCHAR',
  long: 'BIGINT',
  integer: 'INTEGER',
  short: 'SMALLINT',
  byte: 'TINYINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  binary: 'BLOB',
  date: 'DATE',
  // A point in time, UTC-adjusted in Parquet, as Delta's timestamp is; DuckDB's TIMESTAMP is not, as Delta's timestamp_ntz is not.
  timestamp: 'TIMESTAMP WITH TIME ZONE',
  timestamp_ntz: 'TIMESTAMP',
} as const;

export const duckdbSql: Dialect = { quoteName, quoteText, typeOf: duckdbTypeOf };

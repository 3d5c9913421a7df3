import type { DataType } from '@eventlake/delta';
import type { Dialect } from '../delta/sql.js';

export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** A backslash is an escape in Spark's literals. */
export function quoteText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** The Spark type that reads and writes a Delta type; their names differ in a few. */
export function sparkTypeOf(type: DataType): string {
  if (typeof type === 'string') return TYPES[type] ?? type.toUpperCase();
  switch (type.type) {
    case 'array':
      return `ARRAY<${sparkTypeOf(type.elementType)}>`;
    case 'map':
      return `MAP<${sparkTypeOf(type.keyType)}, ${sparkTypeOf(type.valueType)}>`;
    case 'struct':
      return `STRUCT<${type.fields.map((field) => `${quoteName(field.name)}: ${sparkTypeOf(field.type)}`).join(', ')}>`;
  }
}

const TYPES: Readonly<Record<string, string>> = {
  long: 'BIGINT',
  integer: 'INT',
  short: 'SMALLINT',
  byte: 'TINYINT',
};

export const sparkSql: Dialect = { quoteName, quoteText, typeOf: sparkTypeOf };

import type { DataType, Literal, Predicate, StructField } from '@eventlake/delta';
import { EventlakeError } from '../../errors.js';

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

/** A condition on a table's columns. */
export function predicateSql(fields: readonly StructField[], predicate: Predicate): string {
  if ('and' in predicate) return joined(fields, predicate.and, 'AND', 'TRUE');
  if ('or' in predicate) return joined(fields, predicate.or, 'OR', 'FALSE');
  if ('not' in predicate) return `NOT (${predicateSql(fields, predicate.not)})`;
  const type = fields.find(({ name }) => name === predicate.column)?.type;
  if (type === undefined) throw new EventlakeError('invalid', `There is no column ${predicate.column}`);
  const column = quoteName(predicate.column);
  switch (predicate.op) {
    case 'is null':
      return `${column} IS NULL`;
    case 'is not null':
      return `${column} IS NOT NULL`;
    case 'in':
      if (predicate.values.length === 0) return 'FALSE';
      return `${column} IN (${predicate.values.map((value) => literalSql(value, type)).join(', ')})`;
    default:
      return `${column} ${predicate.op} ${literalSql(predicate.value, type)}`;
  }
}

function joined(
  fields: readonly StructField[],
  parts: readonly Predicate[],
  word: 'AND' | 'OR',
  none: string,
): string {
  return parts.length === 0 ? none : parts.map((part) => `(${predicateSql(fields, part)})`).join(` ${word} `);
}

function literalSql(value: Literal, type: DataType): string {
  if (value === null) return `CAST(NULL AS ${sparkTypeOf(type)})`;
  const text = value instanceof Date ? value.toISOString() : String(value);
  return `CAST(${quoteText(text)} AS ${sparkTypeOf(type)})`;
}

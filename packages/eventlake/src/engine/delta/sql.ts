import type { DataType, Literal, Predicate, StructField } from '@eventlake/delta';
import { EventlakeError } from '../../errors.js';
import type { TableVersion } from './tables.js';

/** What the SQL of engines differs in here. */
export interface Dialect {
  quoteName(name: string): string;
  quoteText(text: string): string;
  /** The engine's name of a Delta type (protocol section "Primitive Types"). */
  typeOf(type: DataType): string;
}

/** A read of a version: rows that meet `where`, with these columns, in this order. */
export interface TableRead extends TableVersion {
  where?: Predicate | undefined;
  columns?: readonly string[] | undefined;
}

/** @throws EventlakeError `invalid` where the table lacks one. */
export function wantedFields({ columns, ...table }: TableRead): readonly StructField[] {
  return columns === undefined ? table.snapshot.schema.fields : columns.map((name) => fieldOf(table, name));
}

/** A condition on the table's columns; none is met by every row. */
export function whereSql(sql: Dialect, { where, ...table }: TableRead): string {
  return where === undefined ? 'TRUE' : predicateSql(sql, table, where);
}

/** A query's columns as these of a table, by name; what it has not is null. */
export function castSql(
  sql: Dialect,
  fields: readonly StructField[],
  missing?: ReadonlySet<string>,
): string[] {
  return fields.map(({ name, type }) => {
    const column = sql.quoteName(name);
    return `CAST(${missing?.has(name) ? 'NULL' : column} AS ${sql.typeOf(type)}) AS ${column}`;
  });
}

/** The section "Partition Value Serialization": the empty text is null too. */
export function partitionValueSql(sql: Dialect, value: string | null | undefined, type: DataType): string {
  return literalSql(sql, value || null, type);
}

function predicateSql(sql: Dialect, table: TableVersion, predicate: Predicate): string {
  const joined = (parts: readonly Predicate[], word: 'AND' | 'OR', none: string): string =>
    parts.length === 0 ? none : parts.map((part) => `(${predicateSql(sql, table, part)})`).join(` ${word} `);
  if ('and' in predicate) return joined(predicate.and, 'AND', 'TRUE');
  if ('or' in predicate) return joined(predicate.or, 'OR', 'FALSE');
  if ('not' in predicate) return `NOT (${predicateSql(sql, table, predicate.not)})`;
  const { type } = fieldOf(table, predicate.column);
  const column = sql.quoteName(predicate.column);
  switch (predicate.op) {
    case 'is null':
      return `${column} IS NULL`;
    case 'is not null':
      return `${column} IS NOT NULL`;
    case 'in':
      if (predicate.values.length === 0) return 'FALSE';
      return `${column} IN (${predicate.values.map((value) => literalSql(sql, value, type)).join(', ')})`;
    default:
      return `${column} ${predicate.op} ${literalSql(sql, predicate.value, type)}`;
  }
}

function literalSql(sql: Dialect, value: Literal, type: DataType): string {
  const text = value instanceof Date ? value.toISOString() : String(value);
  return `CAST(${value === null ? 'NULL' : sql.quoteText(text)} AS ${sql.typeOf(type)})`;
}

function fieldOf({ path, snapshot }: TableVersion, name: string): StructField {
  const field = snapshot.schema.fields.find((field) => field.name === name);
  if (field) return field;
  throw new EventlakeError('invalid', `${path} has no column ${name}`, { table: path });
}

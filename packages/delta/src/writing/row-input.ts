import { literalFor } from '../constraints/expression.js';
import { DeltaError } from '../errors.js';
import { fromUserNullable, type Row } from '../rows/values.js';
import type { StructField, StructType } from '../schema.js';
import type { Rows } from './contract.js';

/** Turns a user's row into values in the order of the schema. */
export type RowInput = (row: Row) => unknown[];

/**
 * Columns that a row does not mention get their default (the section "Default Columns") or null.
 * @returns a function that throws DeltaError of kind `invalid` for rows that do not fit
 * @throws DeltaError of kind `unsupported` for a default that is no literal
 */
export function rowInput(schema: StructType, partitionColumns: readonly string[] = []): RowInput {
  const { fields, checkNames } = prepare(schema, partitionColumns);
  return (row) => {
    checkNames(row);
    return fields.map(({ name, of, fallback }) => {
      const given = Object.hasOwn(row, name) ? row[name] : undefined;
      return given === undefined && fallback ? fallback.value : of(given);
    });
  };
}

/** The same for rows that may lack columns: undefined stands for those. */
export function partialRowInput(schema: StructType, partitionColumns: readonly string[] = []): RowInput {
  const { fields, checkNames } = prepare(schema, partitionColumns);
  return (row) => {
    checkNames(row);
    return fields.map(({ name, of }) => {
      const given = Object.hasOwn(row, name) ? row[name] : undefined;
      return given === undefined ? undefined : of(given);
    });
  };
}

function prepare(schema: StructType, partitionColumns: readonly string[]) {
  const fields = schema.fields.map((field) => {
    const { name, nullable } = field;
    const convert = fromUserNullable(field.type, nullable, name);
    // The log has no empty text for a partition's value: it would come back as null.
    const emptyIsNull = !nullable && partitionColumns.includes(name);
    const of = (given: unknown): unknown => {
      if (emptyIsNull && given === '') throw emptyPartition(name);
      return convert(given);
    };
    return { name, of, fallback: defaultOf(field) };
  });
  const names = new Set(fields.map(({ name }) => name));
  const checkNames = (row: Row): void => {
    if (typeof row !== 'object' || row === null) throw notARow(row);
    for (const name of Object.keys(row)) if (!names.has(name)) throw unknownColumn(name, schema);
  };
  return { fields, checkNames };
}

function defaultOf(field: StructField): { value: unknown } | undefined {
  const sql = field.metadata.CURRENT_DEFAULT;
  if (typeof sql !== 'string') return undefined;
  return { value: fromUserNullable(field.type, field.nullable, field.name)(literalFor(sql, field.type)) };
}

/** @throws DeltaError of kind `invalid` for what is no rows: a single one, most often. */
export function checkRows(rows: Rows): void {
  if (Array.isArray(rows)) return;
  if (typeof rows === 'object' && rows !== null && (Symbol.asyncIterator in rows || Symbol.iterator in rows))
    return;
  throw new DeltaError(
    'invalid',
    'Rows are an array, a generator or a stream of objects',
    {},
    'Put a single row into an array.',
  );
}

function notARow(row: unknown): DeltaError {
  return new DeltaError('invalid', `A row is an object with its columns, not ${String(row)}`);
}

function unknownColumn(name: string, schema: StructType): DeltaError {
  return new DeltaError(
    'invalid',
    `A row has ${name}, and the table has no such column`,
    {},
    `It has ${schema.fields.map((field) => field.name).join(', ')}; new columns are added with addColumn.`,
  );
}

function emptyPartition(name: string): DeltaError {
  return new DeltaError(
    'invalid',
    `A row has the empty text for ${name}, which is NOT NULL: as a partition's value it is null`,
  );
}

import type { DataType, StructType } from '@eventlake/delta';
import type { ColumnDefinition, ColumnType, FieldDefinition } from './definition.js';

/** The type of a field's column where it is typed: silver and gold. */
export function fieldType(field: FieldDefinition): ColumnType {
  return fieldTypes[field.kind];
}

const fieldTypes: Record<FieldDefinition['kind'], ColumnType> = {
  uuid: 'string',
  text: 'string',
  oneOf: 'string',
  integer: 'integer',
  long: 'long',
  double: 'double',
  boolean: 'boolean',
  timestamp: 'timestamp',
};

/** The schema for a table's metadata (protocol section "Schema Serialization Format"). */
export function deltaSchema(table: { columns: readonly ColumnDefinition[] }): StructType {
  return {
    type: 'struct',
    fields: table.columns.map(({ name, type, nullable }) => ({
      name,
      type: type satisfies DataType,
      nullable: nullable ?? true,
      metadata: {},
    })),
  };
}

/** Timestamps are points in time: TIMESTAMP in DuckDB would be a reading of a clock somewhere. */
export function duckdbType(type: ColumnType): string {
  return duckdbTypes[type];
}

const duckdbTypes: Record<ColumnType, string> = {
  string: 'VARCHAR',
  integer: 'INTEGER',
  long: 'BIGINT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  date: 'DATE',
  timestamp: 'TIMESTAMP WITH TIME ZONE',
  binary: 'BLOB',
};

export function sparkType(type: ColumnType): string {
  return sparkTypes[type];
}

const sparkTypes: Record<ColumnType, string> = {
  string: 'STRING',
  integer: 'INT',
  long: 'BIGINT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
  binary: 'BINARY',
};

/** Days fit ClickHouse's Date (1970 to 2149), because events before 1970 or ahead of the log's clock are rejected. */
export function clickhouseType(type: ColumnType, nullable = false): string {
  return nullable ? `Nullable(${clickhouseTypes[type]})` : clickhouseTypes[type];
}

const clickhouseTypes: Record<ColumnType, string> = {
  string: 'String',
  integer: 'Int32',
  long: 'Int64',
  double: 'Float64',
  boolean: 'Bool',
  date: 'Date',
  timestamp: "DateTime64(6, 'UTC')",
  binary: 'String',
};

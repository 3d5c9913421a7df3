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

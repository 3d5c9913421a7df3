import type { ArrayType, DataType, MapType, StructField, StructType } from './schema.js';

/** A column of `struct`: its type, or more of it. */
export type ColumnSpec =
  | DataType
  | { type: DataType; nullable?: boolean; metadata?: Record<string, unknown> };

/**
 * A schema, or a struct inside of one: `struct({ id: required('long'), name: 'string', tags: array('string') })`.
 * Columns are nullable where not `required`.
 */
export function struct(columns: Record<string, ColumnSpec>): StructType {
  return { type: 'struct', fields: Object.entries(columns).map(([name, spec]) => column(name, spec)) };
}

/** A column that takes no null. */
export function required(type: DataType): { type: DataType; nullable: false } {
  return { type, nullable: false };
}

export function array(elementType: DataType): ArrayType {
  return { type: 'array', elementType, containsNull: true };
}

export function map(keyType: DataType, valueType: DataType): MapType {
  return { type: 'map', keyType, valueType, valueContainsNull: true };
}

/** One column, as `addColumn` takes it. */
export function column(name: string, spec: ColumnSpec): StructField {
  const isType = typeof spec === 'string' || 'fields' in spec || 'elementType' in spec || 'keyType' in spec;
  if (isType) return { name, type: spec, nullable: true, metadata: {} };
  return { name, type: spec.type, nullable: spec.nullable ?? true, metadata: spec.metadata ?? {} };
}

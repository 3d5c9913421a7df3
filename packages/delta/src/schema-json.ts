import type { Metadata } from './actions.js';
import { DeltaError } from './errors.js';
import type { DataType, StructField, StructType } from './schema.js';

/** Deeper than any real schema; a hostile one must not exhaust the stack. */
const DEPTH_MAX = 64;

/**
 * Reads a `schemaString`: the section "Schema Serialization Format".
 * @throws DeltaError of kind `corrupt`, or `unsupported` for a type that is not known.
 */
export function parseSchema(schemaString: string, where: DeltaError['where']): StructType {
  let value: unknown;
  try {
    value = JSON.parse(schemaString);
  } catch (cause) {
    throw new DeltaError('corrupt', 'The schema is not JSON', where, undefined, { cause });
  }
  const type = checkType(value, where, 0);
  if (typeof type === 'string' || type.type !== 'struct') throw corrupt('The schema is not a struct', where);
  return type;
}

const parsed = new WeakMap<Metadata, StructType>();

/** The same of a table's metadata, parsed once for all versions that share it. */
export function schemaOf(metadata: Metadata, where: DeltaError['where']): StructType {
  let schema = parsed.get(metadata);
  if (schema === undefined) {
    schema = parseSchema(metadata.schemaString, where);
    parsed.set(metadata, schema);
  }
  return schema;
}

const PRIMITIVES = new Set([
  ...['string', 'long', 'integer', 'short', 'byte', 'float', 'double', 'boolean', 'binary'],
  ...['date', 'timestamp', 'timestamp_ntz', 'void'],
]);

/** The section "Primitive Types": up to 38 digits, as many of them as fit behind the point. */
function isDecimal(name: string): boolean {
  const match = /^decimal\((\d{1,2}), ?(\d{1,2})\)$/.exec(name);
  return (
    match !== null && Number(match[1]) >= 1 && Number(match[1]) <= 38 && Number(match[2]) <= Number(match[1])
  );
}

function checkType(value: unknown, where: DeltaError['where'], depth: number): DataType {
  if (depth > DEPTH_MAX) throw corrupt(`The schema is nested deeper than ${DEPTH_MAX}`, where);
  if (typeof value === 'string') {
    if (PRIMITIVES.has(value) || isDecimal(value)) return value as DataType;
    if (value === 'decimal') return 'decimal(10,0)';
    throw new DeltaError('unsupported', `The schema has a column of type ${value.slice(0, 100)}`, where);
  }
  if (!isRecord(value)) throw corrupt('The schema has a type that is neither name nor object', where);
  const { type } = value;
  if (type === 'struct') {
    if (!Array.isArray(value.fields)) throw corrupt('A struct of the schema has no fields', where);
    return { type, fields: value.fields.map((field) => checkField(field, where, depth + 1)) };
  }
  if (type === 'array') {
    const elementType = checkType(value.elementType, where, depth + 1);
    return { type, elementType, containsNull: value.containsNull !== false };
  }
  if (type === 'map') {
    return {
      type,
      keyType: checkType(value.keyType, where, depth + 1),
      valueType: checkType(value.valueType, where, depth + 1),
      valueContainsNull: value.valueContainsNull !== false,
    };
  }
  throw new DeltaError('unsupported', `The schema has a type ${String(type).slice(0, 100)}`, where);
}

function checkField(value: unknown, where: DeltaError['where'], depth: number): StructField {
  if (!isRecord(value) || typeof value.name !== 'string')
    throw corrupt('A field of the schema has no name', where);
  return {
    name: value.name,
    type: checkType(value.type, where, depth),
    nullable: value.nullable !== false,
    metadata: isRecord(value.metadata) ? value.metadata : {},
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function corrupt(message: string, where: DeltaError['where']): DeltaError {
  return new DeltaError('corrupt', message, where);
}

import type { SchemaElement } from 'hyparquet';
import { DeltaError } from '../errors.js';
import { decimalOf } from '../parquet/convert.js';
import type { DataType, StructField, StructType } from '../schema.js';

/** A Delta schema as Parquet's flat list of elements: the section "Delta Data Type to Parquet Type Mappings". */
export function parquetSchemaOf(schema: StructType): SchemaElement[] {
  return [{ name: 'spark_schema', ...group(schema) }, ...fieldElements(schema)];
}

/** Columns of type void are in no file. */
function storedFields({ fields }: StructType): StructField[] {
  return fields.filter(({ type }) => type !== 'void');
}

function group(struct: StructType): Pick<SchemaElement, 'num_children'> {
  const num_children = storedFields(struct).length;
  if (num_children > 0) return { num_children };
  throw new DeltaError(
    'unsupported',
    'A struct without a column that is stored cannot be written: Parquet has none',
  );
}

function fieldElements(struct: StructType): SchemaElement[] {
  return storedFields(struct).flatMap((field) => elements(field.name, field.type, 'OPTIONAL'));
}

function elements(name: string, type: DataType, repetition_type: 'OPTIONAL' | 'REQUIRED'): SchemaElement[] {
  if (typeof type === 'string') return [{ name, repetition_type, ...leaf(type) }];
  if (type.type === 'struct') {
    return [{ name, repetition_type, ...group(type) }, ...fieldElements(type)];
  }
  if (type.type === 'array') {
    return [
      { name, repetition_type, num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      ...elements('element', type.elementType, 'OPTIONAL'),
    ];
  }
  return [
    { name, repetition_type, num_children: 1, converted_type: 'MAP', logical_type: { type: 'MAP' } },
    { name: 'key_value', repetition_type: 'REPEATED', num_children: 2 },
    ...elements('key', type.keyType, 'REQUIRED'),
    ...elements('value', type.valueType, 'OPTIONAL'),
  ];
}

function leaf(type: DataType): Partial<SchemaElement> {
  switch (type) {
    case 'string':
      return { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } };
    case 'long':
      return { type: 'INT64' };
    case 'integer':
      return { type: 'INT32' };
    case 'short':
      return { type: 'INT32', converted_type: 'INT_16' };
    case 'byte':
      return { type: 'INT32', converted_type: 'INT_8' };
    case 'boolean':
      return { type: 'BOOLEAN' };
    case 'float':
      return { type: 'FLOAT' };
    case 'double':
      return { type: 'DOUBLE' };
    case 'date':
      return { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } };
    case 'timestamp':
      return timestamp(true);
    case 'timestamp_ntz':
      return timestamp(false);
    case 'binary':
      return { type: 'BYTE_ARRAY' };
    default:
      return decimal(type);
  }
}

/** In the fewest bytes that hold the precision, as Spark and Parquet's own rules want it. */
function decimal(type: DataType): Partial<SchemaElement> {
  const parsed = typeof type === 'string' ? decimalOf(type) : undefined;
  if (parsed === undefined) throw new TypeError(`No Parquet type for ${JSON.stringify(type)}`);
  const { precision, scale } = parsed;
  const annotation = {
    converted_type: 'DECIMAL' as const,
    logical_type: { type: 'DECIMAL' as const, precision, scale },
    precision,
    scale,
  };
  if (precision <= 9) return { type: 'INT32', ...annotation };
  if (precision <= 18) return { type: 'INT64', ...annotation };
  const type_length = Math.ceil((precision * Math.log2(10) + 1) / 8);
  return { type: 'FIXED_LEN_BYTE_ARRAY', type_length, ...annotation };
}

function timestamp(isAdjustedToUTC: boolean): Partial<SchemaElement> {
  return {
    type: 'INT64',
    ...(isAdjustedToUTC && { converted_type: 'TIMESTAMP_MICROS' as const }),
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC, unit: 'MICROS' },
  };
}

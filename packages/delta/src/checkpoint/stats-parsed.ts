import type { Action, AddFile, Metadata } from '../actions.js';
import { isOff, isOn } from '../properties.js';
import type { DataType, StructField, StructType } from '../schema.js';
import { parseSchema } from '../schema-json.js';
import { parseStats } from '../stats.js';
import { CHECKPOINT_SCHEMA, CHECKPOINT_V2_SCHEMA, nullable } from './schema.js';

/**
 * The columns of a table's checkpoints and what its actions have for them. Statistics are a JSON text, or columns
 * (`stats_parsed`), or both, as `delta.checkpoint.writeStatsAsJson` and `…AsStruct` say: the section "Checkpoints".
 */
export function checkpointSchemaOf(
  metadata: Metadata,
  spec: 'v1' | 'v2',
): {
  schema: StructType;
  prepare: (action: Action) => Record<string, unknown>;
} {
  const asJson = !isOff(metadata.configuration, 'delta.checkpoint.writeStatsAsJson');
  const parsed = isOn(metadata.configuration, 'delta.checkpoint.writeStatsAsStruct')
    ? parsedFields(parseSchema(metadata.schemaString, {}), metadata.partitionColumns)
    : [];
  const schema: StructType = {
    type: 'struct',
    fields: (spec === 'v1' ? CHECKPOINT_SCHEMA : CHECKPOINT_V2_SCHEMA).fields.map((field) =>
      field.name === 'add' ? { ...field, type: addType(field.type as StructType, asJson, parsed) } : field,
    ),
  };
  const prepareAdd = (add: AddFile): object => {
    // In a checkpoint nothing is a change.
    const row = { ...add, dataChange: false };
    return parsed.length === 0
      ? row
      : {
          ...row,
          stats_parsed: parseStats(add),
          partitionValues_parsed: typedStrings(add.partitionValues, parsed),
        };
  };
  return { schema, prepare: (action) => ('add' in action ? { add: prepareAdd(action.add) } : action) };
}

function addType(add: StructType, asJson: boolean, parsed: StructField[]): StructType {
  const fields = asJson ? add.fields : add.fields.filter(({ name }) => name !== 'stats');
  return { type: 'struct', fields: [...fields, ...parsed] };
}

/** `stats_parsed`, and `partitionValues_parsed` where the table is partitioned. */
function parsedFields(schema: StructType, partitionColumns: readonly string[]): StructField[] {
  const isPartition = ({ name }: StructField): boolean => partitionColumns.includes(name);
  const data = schema.fields.filter((field) => !isPartition(field));
  const bounds = mapLeaves(data, (type) => (HAS_BOUNDS.has(type) ? type : null));
  const stats = [
    nullable('numRecords', 'long'),
    nullable('tightBounds', 'boolean'),
    ...named('minValues', bounds),
    ...named('maxValues', bounds),
    ...named(
      'nullCount',
      mapLeaves(data, () => 'long'),
    ),
  ];
  const partitions = schema.fields.filter(isPartition).map(({ name, type }) => nullable(name, type));
  return [...named('stats_parsed', stats), ...named('partitionValues_parsed', partitions.filter(isTyped))];
}

/** Decimals are left out: their statistics in JSON are rounded, and a missing one is no wrong one. */
const HAS_BOUNDS: ReadonlySet<DataType> = new Set<DataType>([
  ...(['string', 'long', 'integer', 'short', 'byte', 'float', 'double'] as const),
  ...(['date', 'timestamp', 'timestamp_ntz'] as const),
]);

function isTyped({ type }: StructField): boolean {
  return HAS_BOUNDS.has(type) || type === 'boolean';
}

/** The same nesting of structs with other leaves; arrays and maps are leaves here. */
function mapLeaves(fields: readonly StructField[], leaf: (type: DataType) => DataType | null): StructField[] {
  return fields.flatMap(({ name, type }) => {
    if (typeof type !== 'string' && type.type === 'struct') return named(name, mapLeaves(type.fields, leaf));
    const mapped = leaf(type);
    return mapped === null ? [] : [nullable(name, mapped)];
  });
}

/** Parquet has no group of nothing. */
function named(name: string, fields: StructField[]): StructField[] {
  return fields.length === 0 ? [] : [nullable(name, { type: 'struct', fields })];
}

/** Partition values are text everywhere; numbers and booleans are parsed here, the rest by its type later. */
function typedStrings(
  values: AddFile['partitionValues'],
  parsed: readonly StructField[],
): Record<string, unknown> {
  const type = parsed.find(({ name }) => name === 'partitionValues_parsed')?.type;
  if (type === undefined || typeof type === 'string' || type.type !== 'struct') return {};
  return Object.fromEntries(type.fields.map((field) => [field.name, typed(values[field.name], field.type)]));
}

function typed(value: string | null | undefined, type: DataType): unknown {
  if (value === undefined || value === null || value === '') return null;
  if (type === 'boolean') return value === 'true';
  return NUMBERS.has(type) ? Number(value) : value;
}

const NUMBERS: ReadonlySet<DataType> = new Set<DataType>([
  'long',
  'integer',
  'short',
  'byte',
  'float',
  'double',
]);

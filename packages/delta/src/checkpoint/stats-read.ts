import type { ParquetNode } from '../parquet/metadata.js';
import { dateText, timestampText } from '../rows/time.js';
import { decimalText } from '../rows/values.js';
import type { DataType, PrimitiveType, StructField, StructType } from '../schema.js';
import { nullable } from './schema.js';

/**
 * Writers may leave out the statistics' JSON and have them as columns only (`delta.checkpoint.writeStatsAsJson`):
 * then the JSON is made of the columns again, since everybody else here reads that.
 */
export interface StatsColumns {
  /** `stats_parsed`, as this file has it. */
  field: StructField;
  /** The JSON text of one of its values. */
  text(value: unknown): string;
}

/** Undefined where the file has the JSON, or no statistics at all. */
export function statsColumns(root: ParquetNode): StatsColumns | undefined {
  const add = root.children.find(({ name }) => name === 'add');
  const parsed = add?.children.find(({ name }) => name === 'stats_parsed');
  if (!parsed || add?.children.some(({ name }) => name === 'stats')) return undefined;
  const type = typeOf(parsed);
  return type && { field: nullable('stats_parsed', type), text: (value) => jsonOf(value, type) ?? '{}' };
}

/** The file's own types: those of a table that has since been changed would not fit. */
function typeOf(node: ParquetNode): DataType | undefined {
  if (node.physical !== undefined) return primitiveOf(node);
  if (node.annotation !== undefined) return undefined;
  const fields = node.children.flatMap((child) => {
    const type = typeOf(child);
    return type ? [nullable(child.name, type)] : [];
  });
  return fields.length === 0 ? undefined : { type: 'struct', fields };
}

function primitiveOf({ physical, annotation, scale, convertedType }: ParquetNode): PrimitiveType | undefined {
  switch (annotation) {
    case 'string':
      return 'string';
    case 'date':
      return 'date';
    case 'decimal':
      return `decimal(38,${scale})`;
    case 'timestamp':
      // The older annotation is for times in UTC alone; every writer that has times without a zone leaves it out there.
      return convertedType === undefined ? 'timestamp_ntz' : 'timestamp';
  }
  switch (physical) {
    case 'INT32':
      return 'integer';
    case 'INT64':
      return 'long';
    case 'INT96':
      return 'timestamp';
    case 'FLOAT':
      return 'float';
    case 'DOUBLE':
      return 'double';
    case 'BOOLEAN':
      return 'boolean';
    default:
      return undefined;
  }
}

/** Undefined for what the statistics do not have. Numbers keep all their digits. */
function jsonOf(value: unknown, type: DataType): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof type !== 'string') return type.type === 'struct' ? structJson(value, type) : undefined;
  if (type === 'date') return JSON.stringify(dateText(value as number));
  if (type === 'timestamp' || type === 'timestamp_ntz') {
    return JSON.stringify(timestampText(value as bigint, type === 'timestamp'));
  }
  if (type.startsWith('decimal')) return decimalText(value as bigint, Number(/,(\d+)\)/.exec(type)?.[1]));
  if (typeof value === 'number' && !Number.isFinite(value)) return undefined;
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value);
}

function structJson(value: unknown, { fields }: StructType): string {
  const struct = value as Record<string, unknown>;
  const members = fields.flatMap(({ name, type }) => {
    const json = jsonOf(struct[name], type);
    return json === undefined ? [] : [`${JSON.stringify(name)}:${json}`];
  });
  return `{${members.join(',')}}`;
}

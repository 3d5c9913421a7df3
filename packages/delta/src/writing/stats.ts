import { decimalOf } from '../parquet/convert.js';
import { dateText, timestampText } from '../rows/time.js';
import { decimalText } from '../rows/values.js';
import type { DataType, StructField } from '../schema.js';
import { compareUtf8 } from '../store/path.js';
import { truncateMax, truncateMin } from './truncate.js';

/** Leaf columns that get statistics where the table does not say: `delta.dataSkippingNumIndexedCols`. */
const indexedColumnsDefault = 32;

/** Which columns get statistics. */
export function indexedColumns(properties: Readonly<Record<string, string>>): number {
  const text = properties['delta.dataSkippingNumIndexedCols'];
  const count = Number(text);
  if (text === undefined || !Number.isInteger(count)) return indexedColumnsDefault;
  return count < 0 ? Number.POSITIVE_INFINITY : count;
}

/**
 * The statistics of a new file as the JSON text of the section "Per-file Statistics", exact: long and decimal bounds
 * keep all their digits, which `JSON.stringify` would not.
 * @param columns values by column, as `parquet/convert.ts` has them, null for NULL
 * @param tight whether to say that the bounds are tight, as tables with deletion vectors want it
 */
export function statsJson(
  fields: readonly StructField[],
  columns: readonly (readonly unknown[])[],
  rowCount: number,
  options: { indexed?: number; tight?: boolean } = {},
): string {
  const collector = new Collector(options.indexed ?? indexedColumnsDefault);
  const stats = collector.struct(fields, (i) => columns[i] as readonly unknown[], rowCount);
  const parts = [
    `"numRecords":${rowCount}`,
    `"minValues":${object(stats.min)}`,
    `"maxValues":${object(stats.max)}`,
    `"nullCount":${object(stats.nulls)}`,
  ];
  if (options.tight) parts.push('"tightBounds":true');
  return `{${parts.join(',')}}`;
}

/** Names to JSON texts. */
type Texts = [name: string, json: string][];

interface StructStats {
  min: Texts;
  max: Texts;
  nulls: Texts;
}

/** Goes through the schema depth first: the first so many leaves count. */
class Collector {
  private seen = 0;

  constructor(private readonly indexed: number) {}

  struct(
    fields: readonly StructField[],
    valuesOf: (field: number) => readonly unknown[],
    rowCount: number,
  ): StructStats {
    const stats: StructStats = { min: [], max: [], nulls: [] };
    for (const [i, { name, type }] of fields.entries()) {
      if (this.seen >= this.indexed) break;
      const values = valuesOf(i);
      if (typeof type !== 'string' && type.type === 'struct') {
        const inner = this.struct(
          type.fields,
          (k) => values.map((value) => fieldOf(value, type.fields[k]?.name as string)),
          rowCount,
        );
        for (const kind of ['min', 'max', 'nulls'] as const) {
          if (inner[kind].length > 0) stats[kind].push([name, object(inner[kind])]);
        }
        continue;
      }
      this.seen++;
      const { min, max, nulls } = leafStats(type, values);
      if (min !== undefined) stats.min.push([name, min]);
      if (max !== undefined) stats.max.push([name, max]);
      stats.nulls.push([name, String(nulls)]);
    }
    return stats;
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return value === null ? null : (value as Record<string, unknown>)[name];
}

function leafStats(
  type: DataType,
  values: readonly unknown[],
): { min?: string; max?: string; nulls: number } {
  const bounds = boundsOf(type);
  let nulls = 0;
  let min: unknown;
  let max: unknown;
  let unordered = false;
  for (const value of values) {
    if (value === null) nulls++;
    else if (bounds === undefined) continue;
    else if (Number.isNaN(value)) unordered = true;
    else if (bounds.compare === undefined) {
      if (min === undefined || (value as number) < (min as number)) min = value;
      if (max === undefined || (value as number) > (max as number)) max = value;
    } else {
      if (min === undefined || bounds.compare(value, min) < 0) min = value;
      if (max === undefined || bounds.compare(value, max) > 0) max = value;
    }
  }
  if (bounds === undefined || min === undefined) return { nulls };
  const low = bounds.min(min);
  // NaN is above every number, and JSON has none: with one in the file there is no upper bound.
  const high = unordered ? undefined : bounds.max(max);
  return { nulls, ...(low !== undefined && { min: low }), ...(high !== undefined && { max: high }) };
}

interface BoundsOf {
  /** Numbers have JavaScript's own order, which costs no call. */
  compare?(a: unknown, b: unknown): number;
  min(value: unknown): string | undefined;
  max(value: unknown): string | undefined;
}

/** The types that the reference implementation skips files by. */
function boundsOf(type: DataType): BoundsOf | undefined {
  if (typeof type !== 'string') return undefined;
  switch (type) {
    case 'boolean':
    case 'binary':
      return undefined;
    case 'string':
      return {
        compare: (a, b) => compareUtf8(a as string, b as string),
        min: (value) => JSON.stringify(truncateMin(value as string)),
        max: (value) => {
          const bound = truncateMax(value as string);
          return bound === undefined ? undefined : JSON.stringify(bound);
        },
      };
    case 'date':
      return numeric((value) => JSON.stringify(dateText(value as number)));
    case 'timestamp':
      return numeric((value) => millisecondText(value as bigint, true));
    case 'timestamp_ntz':
      return numeric((value) => millisecondText(value as bigint, false));
    case 'float':
    case 'double':
      return numeric((value) => (Number.isFinite(value) ? String((value as number) + 0) : undefined));
    default: {
      const decimal = decimalOf(type);
      return numeric((value) => (decimal ? decimalText(value as bigint, decimal.scale) : String(value)));
    }
  }
}

function numeric(text: (value: unknown) => string | undefined): BoundsOf {
  return { min: text, max: text };
}

/** "Timestamp columns are truncated down to milliseconds": readers add one to the upper bound. */
function millisecondText(us: bigint, zoned: boolean): string {
  return JSON.stringify(`${timestampText(us, false).slice(0, -3)}${zoned ? 'Z' : ''}`);
}

function object(entries: Texts): string {
  return `{${entries.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`;
}

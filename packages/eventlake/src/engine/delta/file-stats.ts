import type { StructField } from '@eventlake/delta';

/** What engines tell of a file. */
export interface FileStats {
  rows: number;
  /**
   * By column, where known: `null_count`, `min`, `max`, `has_nan` (`true`). Times are in UTC, as
   * `2024-05-31 12:00:00.123456`, with or without `+00`.
   */
  columns: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/**
 * The JSON text of the section "Per-file Statistics": exact counts, and bounds that hold for every row. `fields` are
 * those that the file holds; partition columns have no statistics.
 */
export function deltaStats(file: FileStats, fields: readonly StructField[]): string {
  const min: string[] = [];
  const max: string[] = [];
  const nulls: string[] = [];
  for (const { name, type } of fields) {
    const stats = file.columns.get(name);
    if (stats === undefined || typeof type !== 'string') continue;
    const key = JSON.stringify(name);
    const nullCount = stats.get('null_count');
    if (nullCount !== undefined) nulls.push(`${key}:${nullCount}`);
    const bounds = boundsOf(type, stats);
    if (bounds === undefined) continue;
    min.push(`${key}:${bounds.min}`);
    max.push(`${key}:${bounds.max}`);
  }
  return `{"numRecords":${file.rows},"minValues":{${min}},"maxValues":{${max}},"nullCount":{${nulls}}}`;
}

/** Both bounds as JSON text, or undefined where the type has none or one is not known. */
function boundsOf(
  type: string,
  stats: ReadonlyMap<string, string>,
): { min: string; max: string } | undefined {
  const min = stats.get('min');
  const max = stats.get('max');
  if (min === undefined || max === undefined) return undefined;
  switch (type) {
    case 'string': {
      const upper = upperPrefix(max);
      return upper === undefined
        ? undefined
        : { min: JSON.stringify(prefix(min)), max: JSON.stringify(upper) };
    }
    case 'byte':
    case 'short':
    case 'integer':
    case 'long':
      return both(min, max, /^-?\d+$/);
    case 'float':
    case 'double':
      // NaN is greater than every number; DuckDB leaves it out of the bounds.
      return stats.get('has_nan') === 'true' ? undefined : both(min, max, /^-?\d+(\.\d+)?(e[+-]?\d+)?$/);
    case 'date':
      return quoted(both(min, max, /^\d{4}-\d{2}-\d{2}$/));
    case 'timestamp':
    case 'timestamp_ntz': {
      const bounds = { min: toMillis(min, 'down'), max: toMillis(max, 'up') };
      if (bounds.min === undefined || bounds.max === undefined) return undefined;
      const zone = type === 'timestamp' ? 'Z' : '';
      return { min: JSON.stringify(bounds.min + zone), max: JSON.stringify(bounds.max + zone) };
    }
    default:
      return type.startsWith('decimal') ? both(min, max, /^-?\d+(\.\d+)?$/) : undefined;
  }
}

function both(min: string, max: string, pattern: RegExp): { min: string; max: string } | undefined {
  return pattern.test(min) && pattern.test(max) ? { min, max } : undefined;
}

function quoted(bounds: { min: string; max: string } | undefined) {
  return bounds && { min: JSON.stringify(bounds.min), max: JSON.stringify(bounds.max) };
}

/** Characters of a text that statistics keep, as in Spark. */
const TEXT_CHARACTERS = 32;

function prefix(text: string): string {
  return text.length <= TEXT_CHARACTERS
    ? text
    : [...text.slice(0, 4 * TEXT_CHARACTERS)].slice(0, TEXT_CHARACTERS).join('');
}

/**
 * A text that is not less than this one: cut off, with the highest character behind. Where that is what was cut off, more of
 * it may follow, and there is no short bound.
 */
function upperPrefix(text: string): string | undefined {
  const cut = prefix(text);
  if (cut === text) return text;
  return text.startsWith(HIGHEST, cut.length) ? undefined : `${cut}${HIGHEST}`;
}

const HIGHEST = '\u{10ffff}';

/** `2024-05-31 12:00:00.123456+00` as ISO 8601 to the millisecond, not above or not below it. */
function toMillis(text: string, direction: 'down' | 'up'): string | undefined {
  const match = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?(?:\+00)?$/.exec(text);
  if (!match) return undefined;
  const [, day, time, fraction = ''] = match;
  const micros = Number(fraction.padEnd(6, '0'));
  const millis = direction === 'down' ? Math.floor(micros / 1000) : Math.ceil(micros / 1000);
  return new Date(Date.parse(`${day}T${time}Z`) + millis).toISOString().slice(0, -1);
}

import type { Store, StructField } from '@eventlake/delta';
import { type FileMetaData, parquetMetadataAsync } from 'hyparquet';
import { deltaStats } from '../delta/file-stats.js';
import { isoMicros } from '../values.js';

/** Spark writes a footer of some kilobytes. */
const FOOTER_BYTES = 64 * 1024;

/** Rows, and the statistics for the log, of a Parquet file, from its footer alone. */
export async function footerOf(
  store: Store,
  file: { path: string; size: number },
  fields: readonly StructField[],
): Promise<{ rows: number; stats: string }> {
  const metadata = await parquetMetadataAsync(
    {
      byteLength: file.size,
      slice: async (start, end = file.size) => {
        const bytes = await store.get(file.path, { start, end });
        return new Uint8Array(bytes).buffer;
      },
    },
    { initialFetchSize: FOOTER_BYTES, parsers: { timestampFromMicroseconds, dateFromDays } as never },
  );
  const rows = Number(metadata.num_rows);
  const columns = new Map(fields.map(({ name }) => [name, columnStats(metadata, name)]));
  return { rows, stats: deltaStats({ rows, columns }, fields) };
}

/** Bounds hold for the file only where every row group has them; nulls may be all there is in one. */
function columnStats(metadata: FileMetaData, name: string): ReadonlyMap<string, string> {
  const chunks = metadata.row_groups.map(
    ({ columns, num_rows }) =>
      [
        columns.find(({ meta_data }) => meta_data?.path_in_schema.join('.') === name)?.meta_data?.statistics,
        num_rows,
      ] as const,
  );
  const stats = new Map<string, string>();
  let nulls = 0n;
  let bounded = true;
  let min: Value | undefined;
  let max: Value | undefined;
  for (const [chunk, rows] of chunks) {
    if (chunk?.null_count === undefined) return stats;
    nulls += BigInt(chunk.null_count);
    if (BigInt(chunk.null_count) === BigInt(rows)) continue;
    const [low, high] = [chunk.min_value as Value | undefined, chunk.max_value as Value | undefined];
    if (
      low === undefined ||
      high === undefined ||
      chunk.is_min_value_exact === false ||
      chunk.is_max_value_exact === false
    ) {
      bounded = false;
      continue;
    }
    if (min === undefined || isLess(low, min)) min = low;
    if (max === undefined || isLess(max, high)) max = high;
  }
  stats.set('null_count', String(nulls));
  if (!bounded || min === undefined || max === undefined) return stats;
  return stats.set('min', String(min)).set('max', String(max));
}

type Value = string | number | bigint;

/** Texts in the order of their UTF-8 bytes, as Parquet and Delta have them. */
function isLess(a: Value, b: Value): boolean {
  if (typeof a === 'string' && typeof b === 'string')
    return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
  return a < b;
}

/** As `deltaStats` takes it: `2024-05-31 12:00:00.123456`. Sorts as a text, too. */
function timestampFromMicroseconds(micros: bigint): string {
  return isoMicros(micros).slice(0, -1).replace('T', ' ');
}

function dateFromDays(days: number): string {
  return new Date(days * 86_400_000).toISOString().slice(0, 10);
}

import type { AddFile } from './actions.js';

/** The section "Per-file Statistics". Columns are nested as the data's schema is. */
export interface FileStats {
  numRecords?: number;
  tightBounds?: boolean;
  minValues?: Record<string, unknown>;
  maxValues?: Record<string, unknown>;
  nullCount?: Record<string, unknown>;
}

/** Undefined where the file has none, or none that can be read: then nothing is known of it. */
export function parseStats(file: Pick<AddFile, 'stats'>): FileStats | undefined {
  if (file.stats === undefined) return undefined;
  try {
    const stats: unknown = JSON.parse(file.stats);
    return typeof stats === 'object' && stats !== null ? (stats as FileStats) : undefined;
  } catch {
    return undefined;
  }
}

/** The file's rows less those that its deletion vector deletes; undefined where the statistics do not say. */
export function liveRecords(file: AddFile): number | undefined {
  const records = numRecords(file);
  return records === undefined ? undefined : records - (file.deletionVector?.cardinality ?? 0);
}

/** Every writer we know puts the count first: then 100,000 files need no JSON parser. */
const COUNT_FIRST = /^\{"numRecords":(\d{1,15})[,}]/;

function numRecords(file: AddFile): number | undefined {
  const first = file.stats === undefined ? null : COUNT_FIRST.exec(file.stats);
  if (first) return Number(first[1]);
  const count = parseStats(file)?.numRecords;
  return typeof count === 'number' && Number.isSafeInteger(count) ? count : undefined;
}

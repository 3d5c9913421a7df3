import type { Action } from '../actions.js';
import type { DeltaError } from '../errors.js';
import { checkAction } from '../log/commit-file.js';

/** The columns of a checkpoint that replay looks at. Others (of newer writers) are left out. */
const ACTION_COLUMNS = ['add', 'remove', 'txn', 'metaData', 'protocol', 'domainMetadata'] as const;

/**
 * A checkpoint's row as the action that the same line of JSON would be: nulls left out, longs as numbers.
 * Null for a row that replay does not need.
 * @param row as a Parquet reader gives it: longs as bigint or number, maps as objects, null or undefined for NULL.
 * @throws DeltaError of kind `corrupt`.
 */
export function actionOfRow(row: Record<string, unknown>, where: DeltaError['where']): Action | null {
  for (const column of ACTION_COLUMNS) {
    const body = row[column];
    if (body !== null && body !== undefined) return checkAction({ [column]: plain(body, KEEP_NULLS) }, where);
  }
  return null;
}

/** Where null is a value and not a missing one. */
const KEEP_NULLS: ReadonlySet<string> = new Set(['partitionValues', 'tags']);

function plain(value: unknown, keepNulls: ReadonlySet<string>, keep = false): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => plain(item, keepNulls));
  const copy: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) {
    if (item === undefined || (item === null && !keep)) continue;
    if (name === 'stats_parsed' || name === 'partitionValues_parsed') continue;
    copy[name] = plain(item, keepNulls, keepNulls.has(name));
  }
  return copy;
}

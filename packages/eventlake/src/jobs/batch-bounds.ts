import type { EngineSession } from '../engine/engine.js';

/** How many of the relation's first landed batches fit into a bound. */
export interface BatchesOfRows {
  /** The last `log_batch` that fits: at least the first one. */
  upTo: number;
  rows: number;
  /** There are more batches after it. */
  more: boolean;
}

/** @returns undefined where the relation (with a column `log_batch`) is empty. */
export async function batchesOfRows(
  session: EngineSession,
  relation: string,
  rowsMax: number,
): Promise<BatchesOfRows | undefined> {
  const counts = `SELECT log_batch, count(*) AS batch_rows FROM ${relation} GROUP BY log_batch`;
  const totals = `SELECT log_batch, CAST(sum(batch_rows) OVER (ORDER BY log_batch) AS BIGINT) AS total_rows FROM (${counts}) AS counts`;
  const fits = `total_rows <= ${rowsMax}`;
  const [row] = await session.query<{
    first_batch: number | null;
    first_rows: number;
    last_batch: number;
    fitting_batch: number | null;
    fitting_rows: number;
  }>(`SELECT min(log_batch) AS first_batch, min(total_rows) AS first_rows, max(log_batch) AS last_batch,
    max(log_batch) FILTER (WHERE ${fits}) AS fitting_batch, max(total_rows) FILTER (WHERE ${fits}) AS fitting_rows
    FROM (${totals}) AS totals`);
  if (!row || row.first_batch === null) return undefined;
  const upTo = row.fitting_batch ?? row.first_batch;
  return {
    upTo,
    rows: row.fitting_batch === null ? row.first_rows : row.fitting_rows,
    more: upTo < row.last_batch,
  };
}

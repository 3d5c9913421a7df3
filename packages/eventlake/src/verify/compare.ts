import type { Counting } from './counting.js';
import { type Check, checked } from './report.js';

/** Two sets of rows: how many each has, and how many are in one only, repeats counted. */
export interface Comparison {
  left: number;
  right: number;
  apart: number;
}

/**
 * Compares rows by all of the columns, nulls being equal to each other. Each side is computed once, and what is kept is
 * one row of each kind.
 */
export async function compareRows(
  { session }: Counting,
  columns: string,
  left: string,
  right: string,
): Promise<Comparison> {
  const [row] = await session.query<{ l: number | null; r: number | null; d: number | null }>(
    `SELECT CAST(sum(on_left) AS BIGINT) AS l, CAST(sum(on_right) AS BIGINT) AS r, CAST(sum(abs(on_left - on_right)) AS BIGINT) AS d
     FROM (
       SELECT sum(is_left) AS on_left, sum(1 - is_left) AS on_right
       FROM (
         SELECT ${columns}, 1 AS is_left FROM (${left}) AS left_rows
         UNION ALL
         SELECT ${columns}, 0 AS is_left FROM (${right}) AS right_rows
       ) AS both_sides
       GROUP BY ${columns}
     ) AS kinds`,
  );
  return { left: row?.l ?? 0, right: row?.r ?? 0, apart: row?.d ?? 0 };
}

export function added(a: Comparison, b: Comparison): Comparison {
  return { left: a.left + b.left, right: a.right + b.right, apart: a.apart + b.apart };
}

export const NOTHING: Comparison = { left: 0, right: 0, apart: 0 };

export function checkOf(check: string, { left, right, apart }: Comparison, detail: string): Check {
  return checked(check, left, right, apart, detail);
}

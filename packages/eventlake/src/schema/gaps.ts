import type { OffsetRange } from '../log/event-log.js';
import { textLiteral } from './macros.js';

/**
 * Why no row came of an offset:
 * - `no-record`: the log has none there (a transaction marker, an aborted or compacted record);
 * - `lost`: it was removed from the log before it was read;
 * - `recreated`: the topic was made anew. From the row's offsets on nothing of the old one could be read; with
 *   `records` 0, how much there was is not known;
 * - `truncated`: the partition was cut off. These offsets had been landed, and mean other records from now on.
 */
export type GapReason = 'no-record' | 'lost' | 'recreated' | 'truncated';

export interface Gap extends OffsetRange {
  reason: GapReason;
}

/**
 * The offsets of `ranges` that the relation `records` (`log_partition`, `log_offset`, …) does not have, as runs:
 * `log_partition`, `from_offset` (inclusive), `to_offset` (exclusive), `records`, `reason`. At most one range a partition,
 * and every record lies in one. The ends of the ranges are put beside the records; then each is compared with the one
 * before it.
 */
export function gapsSql(
  records: string,
  ranges: readonly OffsetRange[],
  reason: GapReason = 'no-record',
): string {
  const ends = ranges.flatMap(({ partition, from, to }) => [
    place(partition, from - 1),
    place(partition, to),
  ]);
  return `SELECT log_partition, previous_offset + 1 AS from_offset, log_offset AS to_offset,
  log_offset - previous_offset - 1 AS records, ${textLiteral(reason)} AS reason
FROM (
  SELECT log_partition, log_offset,
    lag(log_offset) OVER (PARTITION BY log_partition ORDER BY log_offset) AS previous_offset
  FROM (
    SELECT log_partition, log_offset FROM ${records}
    UNION ALL
    SELECT log_partition, log_offset FROM (VALUES ${ends.join(', ')}) AS ends(log_partition, log_offset)
  ) AS places
) AS neighbours
WHERE log_offset > previous_offset + 1`;
}

/** Gaps that are known, in the same columns. */
export function knownGapsSql(gaps: readonly Gap[]): string {
  const rows = gaps.map(
    ({ partition, from, to, reason }) =>
      `(CAST(${partition} AS INT), CAST(${from} AS BIGINT), CAST(${to} AS BIGINT), CAST(${to - from} AS BIGINT), ${textLiteral(reason)})`,
  );
  return `SELECT * FROM (VALUES ${rows.join(', ')}) AS known(log_partition, from_offset, to_offset, records, reason)`;
}

function place(partition: number, offset: number): string {
  return `(CAST(${partition} AS INT), CAST(${offset} AS BIGINT))`;
}

import type { Predicate } from '@eventlake/delta';
import type { OffsetRange } from '../log/event-log.js';

/** Rows that landed in batches of (from, to]. */
export function withinBatches(from: number, to: number): Predicate {
  return {
    and: [
      { column: 'log_batch', op: '>', value: from },
      { column: 'log_batch', op: '<=', value: to },
    ],
  };
}

/** Rows of records in any of the ranges. */
export function withinRanges(ranges: readonly OffsetRange[]): Predicate {
  return {
    or: ranges.map(({ partition, from, to }) => ({
      and: [
        { column: 'log_partition', op: '=', value: partition },
        { column: 'log_offset', op: '>=', value: from },
        { column: 'log_offset', op: '<', value: to },
      ],
    })),
  };
}

import type { OffsetRange, PartitionInfo } from '../log/event-log.js';

/** What a batch takes of each partition, in order of partition; empty ranges are left out. */
export interface NextRanges {
  ranges: OffsetRange[];
  /** Records beyond the ranges were there already. */
  more: boolean;
}

/**
 * The next records of each partition, at most `recordsMax` of them all: every partition gets its share, and what one
 * does not need goes to the others, so that none falls behind. Pure.
 * @param position Where the batch begins, one offset a partition.
 */
export function nextRanges(
  partitions: readonly PartitionInfo[],
  position: readonly number[],
  recordsMax: number,
): NextRanges {
  const pending = partitions
    .map(({ partition, endOffset }) => ({
      partition,
      from: position[partition]!,
      count: endOffset - position[partition]!,
    }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => a.count - b.count);
  let left = recordsMax;
  const ranges = pending.map(({ partition, from, count }, i) => {
    const share = Math.max(1, Math.floor(left / (pending.length - i)));
    const taken = Math.min(count, share);
    left -= taken;
    return { partition, from, to: from + taken };
  });
  const more = ranges.some(({ from, to }, i) => to - from < pending[i]!.count);
  return { ranges: ranges.sort((a, b) => a.partition - b.partition), more };
}

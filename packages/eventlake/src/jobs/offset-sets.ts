import type { OffsetRange } from '../log/event-log.js';

/** What is in one of `ranges` and in none of `others`, in order of partition and offset. Pure. */
export function without(ranges: readonly OffsetRange[], others: readonly OffsetRange[]): OffsetRange[] {
  let left = merged(ranges);
  for (const { partition, from, to } of others) {
    left = left.flatMap((range) => {
      if (range.partition !== partition || to <= range.from || from >= range.to) return [range];
      return [
        { partition, from: range.from, to: from },
        { partition, from: to, to: range.to },
      ].filter((part) => part.to > part.from);
    });
  }
  return left;
}

/** What is in both. */
export function common(ranges: readonly OffsetRange[], others: readonly OffsetRange[]): OffsetRange[] {
  return without(ranges, without(ranges, others));
}

/** The same offsets in as few ranges as can be; the empty ones are left out. */
export function merged(ranges: readonly OffsetRange[]): OffsetRange[] {
  const sorted = ranges
    .filter(({ from, to }) => to > from)
    .sort((a, b) => a.partition - b.partition || a.from - b.from);
  const result: OffsetRange[] = [];
  for (const { partition, from, to } of sorted) {
    const last = result.at(-1);
    if (last?.partition === partition && from <= last.to) last.to = Math.max(last.to, to);
    else result.push({ partition, from, to });
  }
  return result;
}

export function offsetCount(ranges: readonly OffsetRange[]): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** The ranges between two positions, one offset a partition each. */
export function between(from: readonly number[], to: readonly number[]): OffsetRange[] {
  return to
    .map((end, partition) => ({ partition, from: from[partition] ?? 0, to: end }))
    .filter((range) => range.to > range.from);
}

/** The ranges in their order, cut into parts of at most so many offsets. */
export function inParts(ranges: readonly OffsetRange[], offsetsMax: number): OffsetRange[][] {
  const parts: OffsetRange[][] = [];
  let left = 0;
  for (const { partition, from, to } of ranges) {
    for (let at = from; at < to; ) {
      if (left === 0) {
        parts.push([]);
        left = offsetsMax;
      }
      const end = Math.min(to, at + left);
      parts.at(-1)!.push({ partition, from: at, to: end });
      left -= end - at;
      at = end;
    }
  }
  return parts;
}

import { type AddFile, filesByPartition } from '@eventlake/delta';
import type { CompactOptions } from '../engine.js';

/** Files of at least this part of a tier's size belong to the next one. */
const FULL_ENOUGH = 0.75;
/** Below this, all files are equally small. */
const SMALLEST_TIER_BYTES = 64 * 1024;

/**
 * The files that the next step puts together; undefined where it is not worth it. Pure.
 *
 * Files are told apart by size into tiers, each `minFiles` times larger than the one before, and only files of one tier
 * are put together. So a row is written anew once a tier, however many small files there come, while the number of files
 * grows with the logarithm of the table.
 * @param files Live files in the order in which they were added, of any partitions.
 */
export function filesToCompact(
  files: readonly AddFile[],
  { targetBytes, minFiles }: CompactOptions,
): AddFile[] | undefined {
  let belowBytes = 0;
  for (const tierBytes of tiers(targetBytes, minFiles)) {
    const [fromBytes, toBytes] = [belowBytes, tierBytes * FULL_ENOUGH];
    belowBytes = toBytes;
    const ofTier = files.filter(({ size }) => size >= fromBytes && size < toBytes);
    for (const partition of filesByPartition(ofTier)) {
      if (partition.length >= minFiles) return upTo(tierBytes, partition);
    }
  }
  return undefined;
}

/** From the smallest to the target. */
function tiers(targetBytes: number, minFiles: number): number[] {
  const sizes = [targetBytes];
  while (sizes[0]! / minFiles >= SMALLEST_TIER_BYTES) sizes.unshift(sizes[0]! / minFiles);
  return sizes;
}

/** The oldest files that make one of the tier's size, at least two. */
function upTo(tierBytes: number, files: readonly AddFile[]): AddFile[] {
  let sizeBytes = 0;
  let count = 0;
  while (count < files.length && (count < 2 || sizeBytes + files[count]!.size <= tierBytes)) {
    sizeBytes += files[count]!.size;
    count += 1;
  }
  return files.slice(0, count);
}

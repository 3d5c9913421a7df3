import { DeltaError } from '../errors.js';
import type { Store } from '../store.js';
import { listLog, readCommits } from './reader.js';
import type { LogState } from './replay.js';
import { type CommitFile, commitsIn, oldestVersion } from './segment.js';

/** A commit and when it landed. Times go up with versions. */
export interface CommitTime {
  file: CommitFile;
  timestampMs: number;
}

/**
 * Files can be copied or written by machines whose clocks differ: a commit is taken to be at least a millisecond
 * later than the one before, as the reference implementation does. Pure; no I/O.
 */
export function monotonic(files: readonly CommitFile[]): CommitTime[] {
  let before = Number.NEGATIVE_INFINITY;
  return files.map((file) => {
    before = Math.max(file.entry.modifiedMs, before + 1);
    return { file, timestampMs: before };
  });
}

/**
 * The newest version that was committed at or before a time: the section "Recommendations for Readers of Tables with
 * In-Commit Timestamps", and the files' modification times without them.
 * @throws DeltaError of kind `no-such-version` where the log does not reach back that far.
 */
export async function versionAt(
  store: Store,
  table: string,
  newest: LogState,
  timestampMs: number,
): Promise<number> {
  if (timestampMs >= newest.timestampMs) return newest.version;
  const entries = await listLog(store, table);
  const oldest = oldestVersion(entries);
  const files = commitsIn(entries).filter(({ version }) => version >= oldest);
  const timed = inCommitTimesSince(newest);
  const isTimed = timestampMs >= timed.sinceMs;
  const candidates = files.filter(({ version }) => isTimed === version >= timed.sinceVersion);
  const found = isTimed
    ? await newestByInCommitTime(store, table, candidates, timestampMs)
    : monotonic(candidates).findLast((commit) => commit.timestampMs <= timestampMs)?.file.version;
  if (found !== undefined) return found;
  const first = files[0] && new Date(files[0].entry.modifiedMs).toISOString();
  throw new DeltaError(
    'no-such-version',
    `There is no version as old as ${new Date(timestampMs).toISOString()}; the log begins at ${first ?? 'nothing'}`,
    { table },
    'Older versions go when the log is cleaned; see delta.logRetentionDuration.',
  );
}

/** From which version and time on commits carry their time; never where the table does not have it on. */
function inCommitTimesSince({ metadata }: LogState): { sinceVersion: number; sinceMs: number } {
  const properties = metadata.configuration;
  if (properties['delta.enableInCommitTimestamps'] !== 'true') {
    return { sinceVersion: Number.POSITIVE_INFINITY, sinceMs: Number.POSITIVE_INFINITY };
  }
  // Without these properties, the table has had it from the beginning.
  return {
    sinceVersion: Number(properties['delta.inCommitTimestampEnablementVersion'] ?? 0),
    sinceMs: Number(properties['delta.inCommitTimestampEnablementTimestamp'] ?? Number.NEGATIVE_INFINITY),
  };
}

/** In-commit timestamps go up by themselves, so a few commits tell. */
async function newestByInCommitTime(
  store: Store,
  table: string,
  files: readonly CommitFile[],
  timestampMs: number,
): Promise<number | undefined> {
  let low = 0;
  let high = files.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const [commit] = await readCommits(store, table, [files[middle]!]);
    if (commit!.timestampMs <= timestampMs) low = middle + 1;
    else high = middle;
  }
  return files[low - 1]?.version;
}

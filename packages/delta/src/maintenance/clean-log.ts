import { sidecarsOf } from '../checkpoint/read.js';
import { LOOK_AGE_MAX_MS } from '../commit/commit.js';
import { DeltaError } from '../errors.js';
import { hasFeature } from '../log/features.js';
import { parseLogFileName, sidecarPath } from '../log/names.js';
import { listLog } from '../log/reader.js';
import type { LogState } from '../log/replay.js';
import { commitsIn, isProblem, segmentOf, singleCheckpointsIn } from '../log/segment.js';
import { monotonic } from '../log/time.js';
import { ParquetFile, sourceOf } from '../parquet/file.js';
import { logRetentionMs } from '../properties.js';
import type { Store, StoreEntry } from '../store.js';

/**
 * Removes the files of the log that no version within `delta.logRetentionDuration` needs: the section "Metadata
 * Cleanup". Oldest first, so that whatever stops it leaves a log without gaps.
 */
export async function cleanLog(
  store: Store,
  table: string,
  state: LogState,
  nowMs: number,
): Promise<{ removed: number }> {
  const keepMs = logRetentionMs(state.metadata.configuration);
  const entries = await listLog(store, table);
  const expired = expiredLogFiles(entries, nowMs - Math.max(keepMs, KEEP_MIN_MS));
  if (expired.length === 0) return { removed: 0 };
  await checkKept(store, table, entries, expired.at(-1)!);
  for (const { path } of expired) await store.delete(path);
  const sidecars = hasFeature(state.protocol, 'v2Checkpoint')
    ? await unusedSidecars(store, table, nowMs)
    : [];
  for (const path of sidecars) await store.delete(path);
  return { removed: expired.length + sidecars.length };
}

/** Where the property has just been set to less, writers that have seen the table before rely on their look for a moment. */
const KEEP_MIN_MS = 2 * LOOK_AGE_MAX_MS;

/** Older ones belong to no checkpoint that is still being written. */
const SIDECAR_AGE_MIN_MS = 24 * 3_600_000;

/** Sidecars that none of the checkpoints that are left names: steps 4 and 5 of "Metadata Cleanup". */
async function unusedSidecars(store: Store, table: string, nowMs: number): Promise<string[]> {
  const old: string[] = [];
  for await (const { path, modifiedMs } of store.list(sidecarPath(table, ''))) {
    if (modifiedMs < nowMs - SIDECAR_AGE_MIN_MS) old.push(path);
  }
  if (old.length === 0) return [];
  const used = new Set<string>();
  for (const checkpoint of singleCheckpointsIn(await listLog(store, table))) {
    for (const path of await sidecarsOf(store, table, checkpoint)) used.add(path);
  }
  return old.filter((path) => !used.has(path));
}

/**
 * Of a sorted listing, what may go; the newest version that is as old as `cutoffMs` can still be read afterwards, and
 * every later one. The commit of the checkpoint that then comes first stays: it has what checkpoints do not keep, and
 * Spark refuses a log without it. Pure; no I/O.
 */
function expiredLogFiles(entries: readonly StoreEntry[], cutoffMs: number): StoreEntry[] {
  const cutoff = monotonic(commitsIn(entries)).findLast((commit) => commit.timestampMs <= cutoffMs)?.file
    .version;
  if (cutoff === undefined) return [];
  const segment = segmentOf(entries, cutoff);
  if (isProblem(segment) || !segment.checkpoint) return [];
  const first = segment.checkpoint.version;
  return entries.filter(({ path }) => {
    const file = parseLogFileName(path.slice(path.lastIndexOf('/') + 1));
    if (!file) return false;
    return file.version < first || (file.kind === 'compacted' && file.version <= first);
  });
}

/** What is about to carry the table alone is looked at first. */
async function checkKept(
  store: Store,
  table: string,
  entries: readonly StoreEntry[],
  lastExpired: StoreEntry,
): Promise<void> {
  const kept = segmentOf(entries.filter(({ path }) => path > lastExpired.path));
  if (isProblem(kept))
    throw new DeltaError('corrupt', 'The log would have a gap after its cleaning', { table });
  for (const { path, sizeBytes } of kept.checkpoint?.format === 'parquet' ? kept.checkpoint.files : []) {
    await ParquetFile.open(await sourceOf(store, path, sizeBytes));
  }
}

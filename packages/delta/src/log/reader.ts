import { mapBounded } from '../bounded.js';
import { readLastCheckpoint } from '../checkpoint/pointer.js';
import { readCheckpoint } from '../checkpoint/read.js';
import { DeltaError } from '../errors.js';
import { logRetentionMs } from '../properties.js';
import { type Store, type StoreEntry, StoreError } from '../store.js';
import { COMMIT_BYTES_MAX, type Commit, parseCommit } from './commit-file.js';
import { checkReadable } from './features.js';
import { commitPath, logPrefix, versionPath } from './names.js';
import { type LogState, Replay } from './replay.js';
import {
  type CheckpointFiles,
  type CommitFile,
  commitsIn,
  isProblem,
  type LogSegment,
  newestCheckpointVersion,
  type SegmentProblem,
  segmentOf,
} from './segment.js';

/** Commits read at the same time. */
const READS_MAX = 32;

/** A state, with what following it needs: the file of its commit, to notice a table that was replaced. */
export interface HeldState {
  state: LogState;
  lastCommit?: StoreEntry;
}

/** How often the log may be cleaned under a reader before it gives up. */
const LOADS_MAX = 5;

/**
 * The newest version, or `upTo`, from nothing.
 * @throws DeltaError where there is none, where the log has a gap, or where the table needs what we do not have.
 */
export async function loadState(store: Store, table: string, upTo?: number): Promise<HeldState> {
  const unreadable = new Set<string>();
  for (let loads = 1; ; loads++) {
    const segment = await findSegment(store, table, upTo, unreadable);
    try {
      const state = await replaySegment(store, table, segment);
      checkReadable(state.protocol, table);
      return { state, ...(segment.lastCommit && { lastCommit: segment.lastCommit.entry }) };
    } catch (error) {
      // Cleaned away between listing and reading: the next listing has what replaced it.
      if (error instanceof StoreError && error.kind === 'not-found' && loads < LOADS_MAX) continue;
      if (!(error instanceof SummaryError)) throw error;
      // An older checkpoint, or the commits alone, may still tell the whole story.
      for (const file of error.files) unreadable.add(file.path);
      if (isProblem(await trySegment(store, table, upTo, unreadable))) throw error.cause;
    }
  }
}

async function replaySegment(store: Store, table: string, segment: LogSegment): Promise<LogState> {
  const replay = new Replay(table);
  if (segment.checkpoint) await replayCheckpoint(store, table, segment.checkpoint, replay);
  for (const [i, commit] of (await readSegmentCommits(store, table, segment)).entries()) {
    if (segment.commits[i]?.fromVersion === undefined) replay.commit(commit);
    else replay.compacted(commit);
  }
  if (segment.commits.length === 0 && segment.lastCommit) {
    // The checkpoint does not keep when its version was committed.
    const [commit] = await readCommits(store, table, [segment.lastCommit]);
    replay.committedAt(commit!.timestampMs);
  }
  return replay.done();
}

/** A file is broken that only sums up others: whoever reads may do without it. */
class SummaryError extends Error {
  constructor(
    readonly files: readonly StoreEntry[],
    cause: unknown,
  ) {
    super('', { cause });
  }
}

async function readSegmentCommits(store: Store, table: string, { commits }: LogSegment): Promise<Commit[]> {
  try {
    return await readCommits(store, table, commits);
  } catch (cause) {
    const compactions = commits.filter((file) => file.fromVersion !== undefined).map((file) => file.entry);
    const isCorrupt = cause instanceof DeltaError && cause.kind === 'corrupt';
    if (isCorrupt && compactions.length > 0) throw new SummaryError(compactions, cause);
    throw cause;
  }
}

async function replayCheckpoint(
  store: Store,
  table: string,
  checkpoint: CheckpointFiles,
  replay: Replay,
): Promise<void> {
  const { version, files } = checkpoint;
  try {
    for await (const actions of readCheckpoint(store, table, checkpoint)) {
      replay.checkpoint(version, files[0]!.modifiedMs, actions);
    }
  } catch (cause) {
    if (cause instanceof DeltaError && cause.kind === 'corrupt') throw new SummaryError(files, cause);
    throw cause;
  }
}

/**
 * Goes on from a held state: looks at what came after it and reads only that.
 * @param lookedAtMs when the held state was the newest
 * @returns the new commits too, which a writer checks for conflicts; null where the log does not lead on from the
 * held state (cleaned, or another table), so that it has to be loaded anew.
 */
export async function followState(
  store: Store,
  table: string,
  held: HeldState,
  lookedAtMs: number,
): Promise<{ held: HeldState; commits: readonly Commit[] } | null> {
  const { version, metadata } = held.state;
  const ageMs = Date.now() - lookedAtMs;
  const isKept = ageMs >= 0 && ageMs < logRetentionMs(metadata.configuration) / 2;
  const byName = isKept ? await commitsByName(store, table, version) : undefined;
  const [own, ...fresh] = byName ?? (await commitsByListing(store, table, version));
  if (!own || own.version !== version || !isSame(own.entry, held.lastCommit)) return null;
  if (fresh.length === 0) return { held, commits: [] };

  const commits = await readCommits(store, table, fresh);
  const replay = new Replay(table, held.state);
  for (const commit of commits) replay.commit(commit);
  const state = replay.done();
  checkReadable(state.protocol, table);
  return { held: { state, lastCommit: fresh.at(-1)!.entry }, commits };
}

/** More new versions than this are listed. */
const NAMES_MAX = 4;

/**
 * The version's commit and those after it, asked for by their names: a folder has to be listed whole, which takes the longer
 * the longer the log is. The version's own commit last: a log is cleaned from the oldest on, so where that one is still
 * there, none after it was missed because it had gone.
 * @returns undefined where it takes a listing
 */
async function commitsByName(
  store: Store,
  table: string,
  version: number,
): Promise<CommitFile[] | undefined> {
  if (!store.stat) return undefined;
  const fresh: CommitFile[] = [];
  for (let next = version + 1; ; next++) {
    const entry = await store.stat(commitPath(table, next));
    if (!entry) break;
    if (fresh.length === NAMES_MAX) return undefined;
    fresh.push({ version: next, entry });
  }
  const entry = await store.stat(commitPath(table, version));
  return entry ? [{ version, entry }, ...fresh] : [];
}

/** The same; none where the log does not lead on from the version. */
async function commitsByListing(store: Store, table: string, version: number): Promise<CommitFile[]> {
  const entries = await listLog(store, table, versionPath(table, version));
  const commits = commitsIn(entries);
  const isWhole = commits.every((commit, i) => commit.version === version + i);
  return isWhole && newestCheckpointVersion(entries) < version + commits.length ? commits : [];
}

/** The commits of these files, in their order. */
export async function readCommits(
  store: Store,
  table: string,
  files: readonly CommitFile[],
): Promise<Commit[]> {
  return mapBounded(files, READS_MAX, async ({ version, entry }) => {
    if (entry.sizeBytes > COMMIT_BYTES_MAX) {
      throw new DeltaError('corrupt', `The commit is larger than ${COMMIT_BYTES_MAX} bytes`, {
        table,
        version,
        file: entry.path,
      });
    }
    const bytes = await store.get(entry.path);
    return parseCommit(bytes, { table, version, file: entry.path }, entry.modifiedMs);
  });
}

/** Everything in the log that belongs to a version, sorted by name. */
export async function listLog(store: Store, table: string, startAfter?: string): Promise<StoreEntry[]> {
  const entries: StoreEntry[] = [];
  for await (const entry of store.list(logPrefix(table), startAfter === undefined ? {} : { startAfter })) {
    entries.push(entry);
  }
  return entries;
}

/** @throws DeltaError that says why there is no such version. */
function noSegment(problem: SegmentProblem, table: string, upTo?: number): DeltaError {
  switch (problem.problem) {
    case 'empty':
      return new DeltaError(
        'not-a-table',
        `There is no Delta table at ${table || 'the root'}`,
        { table },
        'Create it with createTable, or check the path.',
      );
    case 'gap':
      return new DeltaError(
        'corrupt',
        `The log has a gap: version ${problem.missing} is missing before ${problem.next}`,
        { table, version: problem.missing },
        'Restore the missing commit from a backup; without it nothing after it can be trusted.',
      );
    case 'no-such-version':
      return new DeltaError(
        'no-such-version',
        `There is no version ${upTo}: the log has ${problem.first} to ${problem.last}`,
        { table, ...(upTo !== undefined && { version: upTo }) },
        'Older versions go when the log is cleaned; see delta.logRetentionDuration.',
      );
  }
}

async function findSegment(
  store: Store,
  table: string,
  upTo: number | undefined,
  unreadable: ReadonlySet<string>,
): Promise<LogSegment> {
  const segment = await trySegment(store, table, upTo, unreadable);
  if (isProblem(segment)) throw noSegment(segment, table, upTo);
  return segment;
}

/** From the last checkpoint on where there is a pointer to it; else, or where that does not hold, from the whole log. */
async function trySegment(
  store: Store,
  table: string,
  upTo: number | undefined,
  unreadable: ReadonlySet<string>,
): Promise<LogSegment | SegmentProblem> {
  const pointer = await readLastCheckpoint(store, table);
  if (pointer !== null && (upTo === undefined || pointer.version <= upTo)) {
    const recent = await listLog(store, table, versionPath(table, pointer.version));
    const segment = segmentOf(recent, upTo, unreadable);
    if (!isProblem(segment) && segment.checkpoint) return segment;
  }
  return segmentOf(await listLog(store, table), upTo, unreadable);
}

function isSame(a: StoreEntry, b: StoreEntry | undefined): boolean {
  return b !== undefined && a.sizeBytes === b.sizeBytes && a.modifiedMs === b.modifiedMs;
}

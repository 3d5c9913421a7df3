import type { StoreEntry } from '../store.js';
import { type LogFile, parseLogFileName } from './names.js';

/** The files that together give one version of a table: at most one checkpoint, and every commit after it. */
export interface LogSegment {
  version: number;
  checkpoint?: CheckpointFiles;
  /** Ascending and without gaps, from the checkpoint's version + 1 (or 0) to `version`. */
  commits: readonly CommitFile[];
  /** The commit of `version` itself, which a log of the checkpoint alone does not have. */
  lastCommit?: CommitFile;
}

export interface CommitFile {
  version: number;
  entry: StoreEntry;
  /** A log compaction file stands for the commits from this version to `version`. */
  fromVersion?: number;
}

export interface CheckpointFiles {
  version: number;
  /** `v1`: one classic file or all of its parts, in order. `v2`: the one UUID-named file. */
  kind: 'v1' | 'v2';
  format: 'json' | 'parquet';
  files: readonly StoreEntry[];
}

/** Why a listing gives no segment. */
export type SegmentProblem =
  | { problem: 'empty' }
  | { problem: 'gap'; missing: number; next: number }
  | { problem: 'no-such-version'; first: number; last: number };

/**
 * Chooses from a listing of the log, sorted by name. Pure; no I/O.
 * Prefers the newest complete checkpoint; multi-part ones that miss parts are ignored (section "Checkpoints").
 * @param upTo the version wanted; the newest where undefined.
 */
export function segmentOf(
  entries: readonly StoreEntry[],
  upTo?: number,
  unreadable: ReadonlySet<string> = new Set(),
): LogSegment | SegmentProblem {
  const { commits, compactions, checkpoints } = sortOut(entries);
  const checkpoint = newestComplete(checkpoints, upTo, unreadable);
  const newest = Math.max(commits.at(-1)?.version ?? -1, checkpoint?.version ?? -1);
  if (newest < 0) return { problem: 'empty' };

  const from = (checkpoint?.version ?? -1) + 1;
  const version = upTo ?? newest;
  if (version > newest) {
    return { problem: 'no-such-version', first: commits[0]?.version ?? newest, last: newest };
  }
  const usable = compactions.filter(({ entry }) => !unreadable.has(entry.path));
  const wanted = cover(commits, usable, from, version);
  if (!Array.isArray(wanted)) {
    const first = commits[0]?.version ?? newest;
    const { missing, next } = wanted;
    if (next === undefined) return { problem: 'no-such-version', first, last: newest };
    return { problem: 'gap', missing, next };
  }
  const lastCommit = commits.find((commit) => commit.version === version);
  return { version, commits: wanted, ...(checkpoint && { checkpoint }), ...(lastCommit && { lastCommit }) };
}

/**
 * The fewest files that stand for all versions of a range: the section "Log Compaction Files". The last version is
 * always read from its commit, which tells when it was.
 */
function cover(
  commits: readonly CommitFile[],
  compactions: readonly CommitFile[],
  from: number,
  to: number,
): CommitFile[] | { missing: number; next: number | undefined } {
  const byVersion = new Map(commits.map((commit) => [commit.version, commit]));
  const chosen: CommitFile[] = [];
  for (let version = from; version <= to; ) {
    const found = longest(compactions, version, to) ?? byVersion.get(version);
    if (found === undefined) {
      return {
        missing: version,
        next: commits.find((commit) => commit.version > version && commit.version <= to)?.version,
      };
    }
    chosen.push(found);
    version = found.version + 1;
  }
  return chosen;
}

function longest(compactions: readonly CommitFile[], from: number, to: number): CommitFile | undefined {
  let best: CommitFile | undefined;
  for (const candidate of compactions) {
    if (
      candidate.fromVersion === from &&
      candidate.version < to &&
      candidate.version > (best?.version ?? from)
    ) {
      best = candidate;
    }
  }
  return best;
}

export function isProblem(found: LogSegment | SegmentProblem): found is SegmentProblem {
  return 'problem' in found;
}

/** The commits of a listing, ascending. */
export function commitsIn(entries: readonly StoreEntry[]): CommitFile[] {
  return sortOut(entries).commits;
}

/** The first version that can still be read: 0, or that of the oldest complete checkpoint. Infinity where none can. */
export function oldestVersion(entries: readonly StoreEntry[]): number {
  const { commits, checkpoints } = sortOut(entries);
  if (commits[0]?.version === 0) return 0;
  const versions = [...new Set(checkpoints.map(({ file }) => file.version))];
  const isComplete = (version: number): boolean =>
    completeOf(
      version,
      checkpoints.filter(({ file }) => file.version === version),
    ) !== undefined;
  return Math.min(...versions.filter(isComplete));
}

/** Every checkpoint of one file, each by itself: those that may have sidecars. */
export function singleCheckpointsIn(entries: readonly StoreEntry[]): CheckpointFiles[] {
  const { checkpoints } = sortOut(entries);
  return checkpoints.flatMap(({ file, entry }) =>
    file.kind === 'checkpoint-part' ? [] : (completeOf(file.version, [{ file, entry }]) ?? []),
  );
}

/** Of any checkpoint, complete or not; -1 where there is none. */
export function newestCheckpointVersion(entries: readonly StoreEntry[]): number {
  return sortOut(entries).checkpoints.reduce((newest, { file }) => Math.max(newest, file.version), -1);
}

interface CheckpointEntry {
  file: LogFile;
  entry: StoreEntry;
}

function sortOut(entries: readonly StoreEntry[]): {
  commits: CommitFile[];
  compactions: CommitFile[];
  checkpoints: CheckpointEntry[];
} {
  const commits: CommitFile[] = [];
  const compactions: CommitFile[] = [];
  const checkpoints: CheckpointEntry[] = [];
  for (const entry of entries) {
    const file = parseLogFileName(entry.path.slice(entry.path.lastIndexOf('/') + 1));
    if (file?.kind === 'commit') commits.push({ version: file.version, entry });
    else if (file?.kind === 'compacted') {
      compactions.push({ version: file.toVersion, fromVersion: file.version, entry });
    } else if (file?.kind.startsWith('checkpoint')) checkpoints.push({ file, entry });
  }
  return { commits, compactions, checkpoints };
}

function newestComplete(
  found: readonly CheckpointEntry[],
  upTo: number | undefined,
  unreadable: ReadonlySet<string>,
): CheckpointFiles | undefined {
  const versions = [...new Set(found.map(({ file }) => file.version))].sort((a, b) => b - a);
  for (const version of versions) {
    if (upTo !== undefined && version > upTo) continue;
    const candidates = found.filter(
      ({ file, entry }) => file.version === version && !unreadable.has(entry.path) && entry.sizeBytes > 0,
    );
    const complete = completeOf(version, candidates);
    if (complete) return complete;
  }
  return undefined;
}

/** Several kinds may lie there for one version; any is as good (section "Checkpoints"). The single file is simplest. */
function completeOf(version: number, candidates: readonly CheckpointEntry[]): CheckpointFiles | undefined {
  for (const { file, entry } of candidates) {
    if (file.kind === 'checkpoint') return { version, kind: 'v1', format: 'parquet', files: [entry] };
  }
  for (const { file, entry } of candidates) {
    if (file.kind === 'checkpoint-v2') return { version, kind: 'v2', format: file.format, files: [entry] };
  }
  const byParts = new Map<number, StoreEntry[]>();
  for (const { file, entry } of candidates) {
    if (file.kind !== 'checkpoint-part' || file.part < 1 || file.part > file.parts) continue;
    const parts = byParts.get(file.parts) ?? [];
    byParts.set(file.parts, parts);
    parts.push(entry);
    if (parts.length === file.parts) return { version, kind: 'v1', format: 'parquet', files: parts };
  }
  return undefined;
}

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Change, CommitResult } from '../contract.js';
import { DeltaError } from '../errors.js';
import { type Commit, parseCommit, serializeActions } from '../log/commit-file.js';
import { commitPath, versionPath } from '../log/names.js';
import { listLog, readCommits } from '../log/reader.js';
import type { LogState } from '../log/replay.js';
import { commitsIn, newestCheckpointVersion } from '../log/segment.js';
import { logRetentionMs } from '../properties.js';
import { type Store, StoreError } from '../store.js';
import { actionsOf } from './actions.js';
import { checkAgainst, checkChange } from './check.js';
import { conflictWith } from './conflicts.js';

export interface CommitContext {
  store: Store;
  table: string;
  /** The newest state, and the commits since the one returned before. */
  refresh(): Promise<{ state: LogState; commits: readonly Commit[] }>;
  /** What the last look at the log found, where another look would most likely find the same. */
  lastLook?: { state: LogState; atMs: number } | undefined;
  nowMs(): number;
  /** How long other writers may keep winning. */
  timeoutMs: number;
  engineInfo: string;
}

/** The first wait after a lost race is up to this, and doubles up to the maximum. */
const BACKOFF_MS = 4;
const BACKOFF_MAX_MS = 250;

/** A look at the log that is older than this is not relied on; nor is any, where the log is kept for less. */
export const LOOK_AGE_MAX_MS = 500;

/**
 * Lands a change as the table's next version. The commit point is the store's `putIfAbsent`; all before it can be
 * repeated, and what follows it is the caller's best effort.
 *
 * Whoever loses the race looks at the winners only: what does not touch them lands after them (section "Delta Log
 * Entries": a version is taken by exactly one writer).
 * @throws DeltaError of kind `contention` where others kept winning for `timeoutMs`.
 */
export async function commitChange(context: CommitContext, change: Change): Promise<CommitResult> {
  checkChange(change, context.table);
  const txnId = randomUUID();
  const deadline = performance.now() + context.timeoutMs;
  const last = context.lastLook;
  // Whether a newer version is there is what the commit itself finds out: a look before it would be for nothing.
  const relied = last && isReliable(last, change, context.table) ? last : undefined;
  let lookedAtMs = relied?.atMs ?? Date.now();
  let { state } = relied ?? (await context.refresh());
  const readVersion = change.readVersion ?? state.version;
  if (readVersion > state.version) throw noSuchReadVersion(context.table, readVersion, state.version);
  let winners = await commitsSince(context, readVersion, state.version);

  for (let attempts = 1; ; attempts++) {
    if (!winners) {
      const reason = `the log no longer has every version since ${readVersion}`;
      return { status: 'conflict', version: state.version, reason };
    }
    const landed = winners.find((winner) => isOurs(winner, txnId));
    if (landed) return { status: 'committed', version: landed.version, attempts: attempts - 1 };
    const outcome = decide(change, state, winners, context.table);
    if (outcome) return outcome;

    const actions = actionsOf({
      change,
      state,
      nowMs: context.nowMs(),
      txnId,
      engineInfo: context.engineInfo,
    });
    const version = state.version + 1;
    const won = await take(context, version, serializeActions(actions), txnId);
    if (won && (isRecent(state, lookedAtMs) || !(await isStranded(context, version))))
      return { status: 'committed', version, attempts };

    if (performance.now() > deadline) {
      throw new DeltaError(
        'contention',
        `Other writers kept winning for ${context.timeoutMs} ms, ${attempts} attempts`,
        { table: context.table, version },
        'Commit less often or larger batches, or allow more time.',
      );
    }
    await sleep(Math.random() * Math.min(BACKOFF_MS * 2 ** attempts, BACKOFF_MAX_MS));
    lookedAtMs = Date.now();
    const refreshed = await context.refresh();
    winners = await commitsSince(context, version - 1, refreshed.state.version, refreshed.commits);
    state = refreshed.state;
  }
}

/** What the change was computed from was seen just now, and nothing in it decides the outcome: that may be news. */
function isReliable(
  { state, atMs }: { state: LogState; atMs: number },
  change: Change,
  table: string,
): boolean {
  return (
    isRecent(state, atMs) &&
    state.version === change.readVersion &&
    decide(change, state, [], table) === undefined
  );
}

/** Whether what a look found cannot have been cleaned away since, so that the next version is free or taken. */
function isRecent({ metadata }: LogState, lookedAtMs: number): boolean {
  const keepMs = logRetentionMs(metadata.configuration);
  const ageMs = Date.now() - lookedAtMs;
  // A clock that was set back does not tell how old it is.
  return keepMs > LOOK_AGE_MAX_MS && ageMs >= 0 && ageMs <= LOOK_AGE_MAX_MS;
}

/** The outcome where there is one without an attempt. Pure; no I/O. */
function decide(
  change: Change,
  state: LogState,
  winners: readonly Commit[],
  table: string,
): CommitResult | undefined {
  const { version } = state;
  if (change.txn) {
    const { appId, version: wanted, expected } = change.txn;
    const has = state.txns.get(appId)?.version;
    if (has !== undefined && has >= wanted) return { status: 'already-committed', version };
    if (expected !== undefined && (has ?? null) !== expected) {
      const reason = `the position of ${appId} is ${has ?? 'none'}, not ${expected ?? 'none'}`;
      return { status: 'conflict', version, reason };
    }
  }
  for (const winner of winners) {
    const reason = conflictWith(winner, change, state);
    if (reason) return { status: 'conflict', version, reason };
  }
  const reason = checkAgainst(change, state, table);
  return reason === undefined ? undefined : { status: 'conflict', version, reason };
}

/** Tries to be the writer of a version. */
async function take(
  { store, table }: CommitContext,
  version: number,
  bytes: Uint8Array,
  txnId: string,
): Promise<boolean> {
  const path = commitPath(table, version);
  try {
    return await store.putIfAbsent(path, bytes);
  } catch (error) {
    // The store does not know whether it landed, so the log is asked: it is there whole or not at all.
    if (!(error instanceof StoreError) || error.kind !== 'unavailable') throw error;
    const there = await store.get(path).catch(() => undefined);
    if (!there) throw error;
    return isOurs(parseCommit(there, { table, version, file: path }, 0), txnId);
  }
}

/**
 * Whether a version that we took had been taken before, by a commit that was cleaned away while this process was
 * held up: then ours lies below the log that counts, and nobody will ever read it.
 */
async function isStranded({ store, table }: CommitContext, version: number): Promise<boolean> {
  const entries = await listLog(store, table, versionPath(table, version));
  const commits = commitsIn(entries);
  if (commits[0]?.version !== version) {
    throw new DeltaError(
      'contention',
      `The log was cleaned beyond version ${version} while it was being committed`,
      { table, version },
      'Whether the commit landed cannot be told; look for its transaction. Keep the log longer than a writer may pause.',
    );
  }
  const isWhole = commits.every((commit, i) => commit.version === version + i);
  return !isWhole || newestCheckpointVersion(entries) >= version + commits.length;
}

/** The versions after `from` up to `to`, from those at hand where they are all there. Null where one was cleaned away. */
async function commitsSince(
  { store, table }: CommitContext,
  from: number,
  to: number,
  atHand: readonly Commit[] = [],
): Promise<readonly Commit[] | null> {
  const wanted = to - from;
  if (wanted <= 0) return [];
  const recent = atHand.filter((commit) => commit.version > from && commit.version <= to);
  if (recent.length === wanted) return recent;
  const files = Array.from({ length: wanted }, (_, i) => {
    const path = commitPath(table, from + 1 + i);
    return { version: from + 1 + i, entry: { path, sizeBytes: 0, modifiedMs: 0 } };
  });
  try {
    return await readCommits(store, table, files);
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'not-found') return null;
    throw error;
  }
}

function noSuchReadVersion(table: string, readVersion: number, newest: number): DeltaError {
  return new DeltaError('invalid', `The change read version ${readVersion}; the newest is ${newest}`, {
    table,
    version: readVersion,
  });
}

function isOurs(commit: Commit, txnId: string): boolean {
  return commit.actions.some((action) => 'commitInfo' in action && action.commitInfo.txnId === txnId);
}

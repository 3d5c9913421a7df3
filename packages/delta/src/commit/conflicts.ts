import type { Action, AddFile, RemoveFile } from '../actions.js';
import type { Change } from '../contract.js';
import type { Commit } from '../log/commit-file.js';
import { canonicalPath } from '../log/paths.js';
import type { LogState } from '../log/replay.js';
import { matcher } from '../prune/prune.js';
import { parseSchema } from '../schema-json.js';

/**
 * Whether a change that was computed from an earlier version still holds after a commit that won: serializable, so
 * the result is the same as if the change had seen the winner. Pure; no I/O.
 * @param base a state whose schema the predicate is for: a winner that changes the schema conflicts anyway.
 * @returns the reason of the conflict, or undefined.
 */
export function conflictWith(winner: Commit, change: Change, base: LogState): string | undefined {
  const found = sortOut(winner.actions);
  if (found.protocol) return `version ${winner.version} changed the protocol`;
  if (found.metadata) return `version ${winner.version} changed the metadata`;
  const removed = new Set((change.remove ?? []).map((file) => canonicalPath(file.path)));
  // Both removes and adds: a deletion vector that grew is an add of the same path.
  const touched = [...found.removes, ...found.adds].find((file) => removed.has(canonicalPath(file.path)));
  if (touched) return `version ${winner.version} changed the file ${touched.path} as well`;
  const domain = change.domains?.find((own) => found.domains.has(own.domain));
  if (domain) return `version ${winner.version} changed the domain ${domain.domain} as well`;
  return readConflict(winner.version, found, change, base);
}

interface Found {
  protocol: boolean;
  metadata: boolean;
  adds: AddFile[];
  removes: RemoveFile[];
  domains: Set<string>;
}

function sortOut(actions: readonly Action[]): Found {
  const found: Found = { protocol: false, metadata: false, adds: [], removes: [], domains: new Set() };
  for (const action of actions) {
    if ('add' in action) found.adds.push(action.add);
    else if ('remove' in action) found.removes.push(action.remove);
    else if ('metaData' in action) found.metadata = true;
    else if ('protocol' in action) found.protocol = true;
    else if ('domainMetadata' in action) found.domains.add(action.domainMetadata.domain);
  }
  return found;
}

/** What the change read must be what it would read now. Compaction moves rows and changes none (dataChange false). */
function readConflict(version: number, found: Found, change: Change, base: LogState): string | undefined {
  const read = readOf(change);
  if (read === 'none') return undefined;
  const removed = found.removes.filter((file) => file.dataChange);
  const added = found.adds.filter((file) => file.dataChange);
  if (read === 'all') {
    if (added[0]) return `version ${version} added rows that this change has not read`;
    return removed[0] && `version ${version} removed rows that this change has read`;
  }
  const { metadata } = base;
  const match = matcher(read, parseSchema(metadata.schemaString, {}), metadata.partitionColumns);
  if (added.some((file) => match.some(file))) {
    return `version ${version} added rows that this change would have read`;
  }
  const isPartitioned = metadata.partitionColumns.length > 0;
  for (const file of removed) {
    // What the tombstone does not say is possible.
    const isUnknown = isPartitioned && !file.partitionValues;
    if (isUnknown || match.some(asAdd(file)))
      return `version ${version} removed rows that this change has read`;
  }
  return undefined;
}

function asAdd(file: RemoveFile): AddFile {
  const { path, stats } = file;
  return {
    path,
    partitionValues: file.partitionValues ?? {},
    size: file.size ?? 0,
    modificationTime: 0,
    dataChange: true,
    ...(stats !== undefined && { stats }),
  };
}

/** A blind append reads nothing; a compaction reads what it removes, and that is checked by path. */
function readOf(change: Change): NonNullable<Change['read']> {
  if (change.read !== undefined) return change.read;
  return change.readVersion === undefined || change.rearrangesOnly ? 'none' : 'all';
}

import type { Action, AddFile, Metadata, Protocol, RemoveFile } from '../actions.js';
import type { Snapshot } from '../contract.js';
import { RowSet } from '../deletion-vectors/row-set.js';
import { DeltaError } from '../errors.js';
import type { Commit } from '../log/commit-file.js';
import { hasFeature } from '../log/features.js';
import { canonicalPath } from '../log/paths.js';
import { listLog, readCommits } from '../log/reader.js';
import { type CommitFile, commitsIn } from '../log/segment.js';
import { isOn } from '../properties.js';
import type { StructField } from '../schema.js';
import { type DataPlace, type FileBatch, FileReader } from './file-reader.js';
import { UNMAPPED } from './mapping.js';
import { columnsOf, rowsOf } from './scan.js';
import type { Row } from './values.js';

export interface ChangesOptions {
  /** The first version whose changes are wanted. */
  fromVersion: number;
  /** The last one; the newest where not given. */
  toVersion?: number;
  /** Which of the table's columns; all where not given. */
  columns?: readonly string[];
}

/**
 * Rows that were inserted, deleted or updated, version by version: the table's columns, and
 * `_change_type` (`insert`, `delete`, `update_preimage`, `update_postimage`), `_commit_version` (bigint) and
 * `_commit_timestamp` (text).
 */
export type Changes = AsyncIterable<Row>;

/** What reading changes needs of a table. */
export interface ChangesPlace extends DataPlace {
  snapshot(at?: { version: number }): Promise<Snapshot>;
}

/** Commits that are in memory at the same time. */
const commitsHeldMax = 100;

/**
 * The section "Reader Requirements for AddCDCFile": change data files where a version has them, else its added and
 * removed rows. All rows have the columns of the last version.
 * @throws DeltaError of kind `invalid` where a version was written without the feed, `no-such-version` where the log
 * does not have it any more
 */
export async function* readChanges(place: ChangesPlace, options: ChangesOptions): Changes {
  const last = await place.snapshot(
    options.toVersion === undefined ? undefined : { version: options.toVersion },
  );
  const { fromVersion } = options;
  checkRange(fromVersion, last.version, place.table);
  const columns = columnsOf(last, options.columns);
  const files = await commitFiles(place, fromVersion, last.version);
  let state: { protocol: Protocol; metadata: Metadata } =
    fromVersion === last.version ? last : await place.snapshot({ version: fromVersion });
  for (let next = 0; next < files.length; next += commitsHeldMax) {
    for (const commit of await readCommits(
      place.store,
      place.table,
      files.slice(next, next + commitsHeldMax),
    )) {
      state = follow(state, commit.actions);
      checkOn(state, commit.version, place.table);
      for await (const { row, type } of changesOf(place, last, commit, columns)) {
        yield {
          ...row,
          _change_type: type,
          _commit_version: BigInt(commit.version),
          _commit_timestamp: new Date(commit.timestampMs).toISOString().replace('Z', '000Z'),
        };
      }
    }
  }
}

interface Changed {
  row: Row;
  type: unknown;
}

async function* changesOf(
  place: DataPlace,
  snapshot: Snapshot,
  { actions }: Commit,
  columns: readonly StructField[],
): AsyncGenerator<Changed> {
  const cdc = actions.flatMap((action) => ('cdc' in action ? [action.cdc] : []));
  if (cdc.length > 0) {
    const withType = [...columns, CHANGE_TYPE];
    const reader = new FileReader(place, snapshot, withType);
    for (const file of cdc) {
      for await (const batch of reader.read(file)) {
        for (const { _change_type: type, ...row } of all(batch, withType)) yield { row, type };
      }
    }
    return;
  }
  const reader = new FileReader(place, snapshot, columns);
  for (const { type, file, only } of await fileChanges(reader, actions)) {
    for await (const batch of reader.read(file, only)) {
      for (const row of all(batch, columns)) yield { row, type };
    }
  }
}

const CHANGE_TYPE: StructField = { name: '_change_type', type: 'string', nullable: true, metadata: UNMAPPED };

function* all(batch: FileBatch, columns: readonly StructField[]): Generator<Row> {
  for (const rows of rowsOf(batch, columns)) yield* rows;
}

interface FileChange {
  type: 'insert' | 'delete';
  file: AddFile;
  /** Only these of its rows. */
  only?: RowSet;
}

/** A file that is removed and added again with another deletion vector has lost or regained only some rows. */
async function fileChanges(reader: FileReader, actions: readonly Action[]): Promise<FileChange[]> {
  const added = actions.flatMap((action) => ('add' in action && action.add.dataChange ? [action.add] : []));
  const removed = actions.flatMap((action) =>
    'remove' in action && action.remove.dataChange ? [action.remove] : [],
  );
  const addedAt = new Map(added.map((file) => [canonicalPath(file.path), file]));
  const changes: FileChange[] = [];
  const again = new Set<AddFile>();
  for (const file of removed.map(asAdd)) {
    const after = addedAt.get(canonicalPath(file.path));
    if (after === undefined) changes.push({ type: 'delete', file });
    else {
      again.add(after);
      changes.push(...(await vectorChanges(reader, file, after)));
    }
  }
  for (const file of added) if (!again.has(file)) changes.push({ type: 'insert', file });
  return changes;
}

async function vectorChanges(reader: FileReader, before: AddFile, after: AddFile): Promise<FileChange[]> {
  const { rowCount } = (await reader.open(after)).metadata;
  const wasDeleted = await reader.deletedRows(before, rowCount);
  const isDeleted = await reader.deletedRows(after, rowCount);
  const without = (rows: RowSet, others: RowSet): RowSet => {
    const rest = new RowSet();
    for (const row of rows) if (!others.has(row)) rest.add(row);
    return rest;
  };
  return [
    { type: 'delete', file: after, only: without(isDeleted, wasDeleted) },
    { type: 'insert', file: after, only: without(wasDeleted, isDeleted) },
  ];
}

function asAdd(file: RemoveFile): AddFile {
  const { path, partitionValues = {}, size = 0, deletionVector } = file;
  const add = { path, partitionValues, size, modificationTime: 0, dataChange: true };
  return deletionVector ? { ...add, deletionVector } : add;
}

function follow<State extends { protocol: Protocol; metadata: Metadata }>(
  { protocol, metadata }: State,
  actions: readonly Action[],
): { protocol: Protocol; metadata: Metadata } {
  let state = { protocol, metadata };
  for (const action of actions) {
    if ('metaData' in action) state = { ...state, metadata: action.metaData };
    else if ('protocol' in action) state = { ...state, protocol: action.protocol };
  }
  return state;
}

function checkOn(state: { protocol: Protocol; metadata: Metadata }, version: number, table: string): void {
  const { configuration } = state.metadata;
  if (isOn(configuration, 'delta.enableChangeDataFeed') && hasFeature(state.protocol, 'changeDataFeed'))
    return;
  throw new DeltaError(
    'invalid',
    `Version ${version} was written without a change data feed`,
    { table, version },
    'Set delta.enableChangeDataFeed to true; changes can be read from the version after that on.',
  );
}

function checkRange(from: number, to: number, table: string): void {
  if (Number.isSafeInteger(from) && from >= 0 && from <= to) return;
  throw new DeltaError('invalid', `There are no changes from version ${from} to ${to}`, { table });
}

async function commitFiles({ store, table }: DataPlace, from: number, to: number): Promise<CommitFile[]> {
  const files = commitsIn(await listLog(store, table)).filter(
    ({ version }) => version >= from && version <= to,
  );
  if (files.length === to - from + 1) return files;
  const first = files[0]?.version ?? to;
  throw new DeltaError(
    'no-such-version',
    `The log does not have every version from ${from} to ${to}; it begins at ${first}`,
    { table, version: from },
    'Older versions go when the log is cleaned; see delta.logRetentionDuration.',
  );
}

import type { AddFile } from '../actions.js';
import type { DataEngine, EngineQuery, Snapshot, Table } from '../contract.js';
import { RowSet } from '../deletion-vectors/row-set.js';
import { DeltaError } from '../errors.js';
import { FileReader } from '../rows/file-reader.js';
import { parseStats } from '../stats.js';
import type { MergeOptions, OverwriteOptions, Rows, WriteOptions } from './contract.js';
import { type Built, built, type Operation } from './operations.js';
import { type WritePlace, WriteSession } from './session.js';

export function isQuery(rows: Rows | EngineQuery): rows is EngineQuery {
  return typeof rows === 'object' && rows !== null && 'sql' in rows && typeof rows.sql === 'string';
}

/** Adds the rows of a query, or puts them in the place of all rows. Written once, however often it is tried. */
export async function writeQuery(
  table: Table,
  engine: DataEngine | undefined,
  snapshot: Snapshot,
  query: EngineQuery,
  mode: 'Append' | 'Overwrite',
  options: WriteOptions & Pick<OverwriteOptions, 'where'>,
): Promise<Operation> {
  if (options.where) throw new DeltaError('invalid', 'A query replaces all rows, or none: leave out `where`');
  if (!engine?.write) throw noEngine(table);
  const add = await engine.write(table, snapshot, query);
  const rowsInserted = recordsOf(add);
  return async (now) => {
    const isAppend = mode === 'Append';
    const remove = isAppend ? [] : now.files();
    const counts = { rowsInserted, rowsUpdated: 0, rowsDeleted: isAppend ? 0 : (now.recordCount ?? 0) };
    // Of the version that the files were written for: a changed schema is a conflict, and cannot be made up for.
    const read = isAppend ? 'none' : 'all';
    const of = isAppend ? snapshot : now;
    const made = built('WRITE', { mode }, of, { add, remove }, read, counts, options);
    return { ...made, change: { ...made.change, rowsChecked: false } };
  };
}

/**
 * Brings the rows of a query into the table by their key. The engine finds and writes, the log is ours: matched rows go
 * by deletion vectors where the table has them on.
 * @throws DeltaError of kind `unsupported` for functions, and for tables with a change data feed
 */
export async function mergeQuery(
  table: Table,
  engine: DataEngine | undefined,
  place: WritePlace,
  snapshot: Snapshot,
  query: EngineQuery,
  options: MergeOptions,
): Promise<Built> {
  if (!engine?.merge) throw noEngine(table);
  const { on, whenMatched = 'update', whenNotMatched = 'insert', whenNotMatchedBySource = 'keep' } = options;
  if (
    typeof whenMatched === 'function' ||
    typeof whenNotMatched === 'function' ||
    whenNotMatchedBySource !== 'keep'
  ) {
    throw new DeltaError(
      'unsupported',
      'A merge of a query takes no functions, and keeps what it does not match',
    );
  }
  const session = new WriteSession(place, snapshot);
  if (session.usesChangeData) {
    throw new DeltaError('unsupported', 'A query cannot be merged into a table with a change data feed');
  }
  const byVectors = session.usesDeletionVectors;
  const deletedRows = deletedRowsOf(place, snapshot);
  const merged = await engine.merge(table, snapshot, {
    query,
    on,
    whenMatched,
    whenNotMatched,
    deletedRows,
    byVectors,
  });
  for (const { file, rows, rowCount } of merged.touched) {
    if (!byVectors) {
      session.remove(file);
      continue;
    }
    const gone = RowSet.of(rows);
    gone.addAll(await deletedRows(file));
    session.thinOut(file, gone, rowCount);
  }
  const { add = [], remove = [] } = await session.finish();
  if (merged.add.length === 0 && remove.length === 0 && !options.txn) return null;
  const files = { add: [...add, ...merged.add], remove };
  const { rowsInserted, rowsUpdated, rowsDeleted } = merged;
  const counts = { rowsInserted, rowsUpdated, rowsDeleted };
  const made = built('MERGE', { predicate: JSON.stringify(on) }, snapshot, files, 'all', counts, options);
  return { ...made, change: { ...made.change, rowsChecked: merged.add.length === 0 } };
}

/** For engines, which read data files but not our vectors. */
export function deletedRowsOf(place: WritePlace, snapshot: Snapshot): (file: AddFile) => Promise<RowSet> {
  const reader = new FileReader(place, snapshot, []);
  return async (file) => {
    if (!file.deletionVector) return new RowSet();
    return reader.deletedRows(file, (await reader.open(file)).metadata.rowCount);
  };
}

function recordsOf(files: readonly AddFile[]): number {
  return files.reduce((sum, file) => sum + (parseStats(file)?.numRecords ?? 0), 0);
}

function noEngine(table: Table): DeltaError {
  return new DeltaError(
    'invalid',
    'A query needs an engine that runs it',
    { table: table.path },
    'Open the table with `engine`, or give the rows themselves.',
  );
}

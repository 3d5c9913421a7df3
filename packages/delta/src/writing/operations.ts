import type { AddCdcFile, AddFile } from '../actions.js';
import { filesToReplace } from '../changes/overwrite.js';
import { rowChecks } from '../constraints/row-checks.js';
import type { Change, Predicate, Snapshot } from '../contract.js';
import { DeltaError } from '../errors.js';
import { setField } from '../parquet/assemble.js';
import { predicateText } from '../prune/predicate.js';
import { rowFilter } from '../rows/filter.js';
import { fromUserNullable, type Row, toUser } from '../rows/values.js';
import type { StructField, StructType } from '../schema.js';
import type { DeleteOptions, OverwriteOptions, Rows, UpdateOptions, WriteOptions } from './contract.js';
import { rewriteFiles } from './rewrite.js';
import { checkRows, rowInput } from './row-input.js';
import { type WritePlace, WriteSession } from './session.js';
import { vectorOf } from './vector.js';

/** A change that was computed from a snapshot, and what it does. Null where no row has to change. */
export type Built = { change: Change; counts: Counts } | null;

/** Computes the change from a snapshot; called again, with a newer one, where another writer was faster. */
export type Operation = (snapshot: Snapshot) => Promise<Built>;

export interface Counts {
  rowsInserted: number;
  rowsUpdated: number;
  rowsDeleted: number;
}

const none: Counts = { rowsInserted: 0, rowsUpdated: 0, rowsDeleted: 0 };

/** Adds rows. Goes together with whatever others do at the same time, but for a change of the table's schema. */
export async function append(
  place: WritePlace,
  first: Snapshot,
  rows: Rows,
  options: WriteOptions,
): Promise<Operation> {
  const fresh = await writeFresh(place, first, rows);
  if (fresh.rowsInserted === 0 && !options.txn) return async () => null;
  return async (snapshot) => {
    checkSame(first, snapshot);
    const parameters = { mode: 'Append', partitionBy: JSON.stringify(snapshot.partitionColumns) };
    const counts = { ...none, rowsInserted: fresh.rowsInserted };
    return built('WRITE', parameters, snapshot, { add: fresh.add }, 'none', counts, options);
  };
}

/** Puts rows in the place of all rows, or of those for which `where` is true. */
export async function overwrite(
  place: WritePlace,
  first: Snapshot,
  rows: Rows,
  options: OverwriteOptions,
): Promise<Operation> {
  const { where } = options;
  const fresh = await writeFresh(place, first, rows, where);
  const { rowsInserted } = fresh;
  return async (snapshot) => {
    checkSame(first, snapshot);
    if (where === undefined) {
      const counts = { ...none, rowsInserted, rowsDeleted: snapshot.recordCount ?? 0 };
      const files = { add: fresh.add, remove: snapshot.files() };
      return built('WRITE', { mode: 'Overwrite' }, snapshot, files, 'all', counts, options);
    }
    const session = new WriteSession(place, snapshot);
    const { rowsDeleted } = await deleteRows(place, snapshot, session, where);
    const { add = [], remove, cdc = [] } = await session.finish();
    const files = { add: [...add, ...fresh.add], remove, cdc: [...cdc, ...fresh.cdc] };
    const parameters = { mode: 'Overwrite', predicate: predicateText(where) };
    return built(
      'WRITE',
      parameters,
      snapshot,
      files,
      where,
      { ...none, rowsInserted, rowsDeleted },
      options,
    );
  };
}

/** The files of new rows, written once, however often their commit is tried. */
interface FreshRows {
  add: readonly AddFile[];
  cdc: readonly AddCdcFile[];
  rowsInserted: number;
}

/** @param inside the rows must lie inside of it; they then stand beside rewritten ones in the change data */
async function writeFresh(
  place: WritePlace,
  snapshot: Snapshot,
  rows: Rows,
  inside?: Predicate,
): Promise<FreshRows> {
  checkRows(rows);
  const session = new WriteSession(place, snapshot);
  const input = rowInput(snapshot.schema, snapshot.partitionColumns);
  const check = rowChecks(snapshot);
  const isInside = inside && predicateTest(inside, snapshot.schema);
  for await (const row of rows) {
    const values = input(row);
    check(values);
    if (isInside?.(values) === false) {
      throw new DeltaError('invalid', 'A row lies outside of what is replaced: `where` is not true for it');
    }
    // A commit that only adds rows, or replaces all of them, is its own change data.
    const written = inside ? session.insert(values) : session.writer.add(values);
    if (written) await written;
  }
  const { add = [], cdc = [] } = await session.finish();
  return { add, cdc, rowsInserted: session.writer.rowCount };
}

/** Rows that are written already fit only the table that they were written for. */
function checkSame(first: Snapshot, now: Snapshot): void {
  const essence = ({ metadata, protocol }: Snapshot): string => JSON.stringify([metadata, protocol]);
  if (first === now || essence(first) === essence(now)) return;
  throw new DeltaError(
    'contention',
    'The schema or a property of the table changed while rows were written',
    { version: now.version },
    'Write them again: they are checked against the table as it is now.',
  );
}

/** Deletes the rows for which `where` is true. */
export async function deleteWhere(
  place: WritePlace,
  snapshot: Snapshot,
  options: DeleteOptions,
): Promise<Built> {
  const session = new WriteSession(place, snapshot);
  const counts = { ...none, ...(await deleteRows(place, snapshot, session, options.where)) };
  const files = await session.finish();
  if (files.remove?.length === 0 && !options.txn) return null;
  const parameters = { predicate: JSON.stringify([predicateText(options.where)]) };
  return built('DELETE', parameters, snapshot, files, options.where, counts, options);
}

/** Gives rows other values. */
export async function update(place: WritePlace, snapshot: Snapshot, options: UpdateOptions): Promise<Built> {
  const { where } = options;
  const session = new WriteSession(place, snapshot);
  const counts = await rewriteFiles(snapshot.files(where), {
    place,
    snapshot,
    session,
    columns: snapshot.schema.fields,
    ...(where && { where }),
    decide: updating(snapshot, options.set),
  });
  const files = await session.finish();
  if (files.remove?.length === 0 && !options.txn) return null;
  const parameters = where ? { predicate: JSON.stringify([predicateText(where)]) } : {};
  return built('UPDATE', parameters, snapshot, files, where ?? 'all', { ...none, ...counts }, options);
}

type Files = { [kind in 'add' | 'remove' | 'cdc']?: Change[kind] | undefined };

/** The change of a finished write. */
export function built(
  operation: string,
  operationParameters: Record<string, unknown>,
  snapshot: Snapshot,
  files: Files,
  read: NonNullable<Change['read']>,
  counts: Counts,
  { txn, userMetadata }: WriteOptions,
): { change: Change; counts: Counts } {
  const { add = [], remove = [], cdc = [] } = files;
  const change: Change = {
    operation,
    operationParameters,
    operationMetrics: metricsOf(operation, add, remove, counts),
    readVersion: snapshot.version,
    read,
    add,
    remove,
    rowsChecked: true,
    ...(cdc.length > 0 && { cdc }),
    ...(txn && { txn }),
    ...(userMetadata !== undefined && { userMetadata }),
  };
  return { change, counts };
}

async function deleteRows(
  place: WritePlace,
  snapshot: Snapshot,
  session: WriteSession,
  where: Predicate,
): Promise<{ rowsDeleted: number }> {
  const { whole, partial } = session.usesChangeData
    ? { whole: [], partial: snapshot.files(where) }
    : filesToReplace(snapshot, where);
  let rowsDeleted = 0;
  for (const file of whole) {
    session.remove(file);
    rowsDeleted += await session.liveRows(file);
  }
  const counts = await rewriteFiles(partial, {
    place,
    snapshot,
    session,
    columns: [],
    where,
    decide: () => null,
  });
  return { rowsDeleted: rowsDeleted + counts.rowsDeleted };
}

function updating(snapshot: Snapshot, set: UpdateOptions['set']): (row: readonly unknown[]) => unknown[] {
  const { fields } = snapshot.schema;
  const convertRow = userRow(fields);
  const check = rowChecks(snapshot);
  const setters = Object.entries(set).map(([name, value]) => {
    const index = fields.findIndex((field) => field.name === name);
    const field = fields[index];
    if (field === undefined) throw new DeltaError('invalid', `The table has no column ${name}`);
    const convert = fromUserNullable(field.type, field.nullable, name);
    return { index, of: (row: Row) => convert(typeof value === 'function' ? value(row) : value) };
  });
  const needsRow = Object.values(set).some((value) => typeof value === 'function');
  return (row) => {
    const before = needsRow ? convertRow(row) : {};
    const values = [...row];
    for (const { index, of } of setters) values[index] = of(before);
    check(values);
    return values;
  };
}

/** From values in the order of the columns to a row as the user sees it. */
export function userRow(fields: readonly StructField[]): (values: readonly unknown[]) => Row {
  const converters = fields.map((field) => toUser(field.type));
  return (values) => {
    const row: Row = {};
    for (const [i, { name }] of fields.entries()) {
      setField(row, name, values[i] === null ? null : converters[i]!(values[i]));
    }
    return row;
  };
}

/** Whether a predicate is true for a single row of values. */
function predicateTest(where: Predicate, schema: StructType): (row: readonly unknown[]) => boolean {
  const filter = rowFilter(where, schema);
  const indexes = filter.columns.map((field) => schema.fields.indexOf(field));
  return (row) =>
    filter.keep(
      indexes.map((i) => vectorOf([row[i]])),
      1,
    )[0] === 1;
}

/** The names that the reference implementation uses, as far as they can be told. */
function metricsOf(
  operation: string,
  add: readonly AddFile[],
  remove: readonly unknown[],
  { rowsInserted, rowsUpdated, rowsDeleted }: Counts,
): Record<string, string> {
  const bytes = String(add.reduce((total, file) => total + file.size, 0));
  switch (operation) {
    case 'DELETE':
      return counts({
        numRemovedFiles: remove.length,
        numAddedFiles: add.length,
        numDeletedRows: rowsDeleted,
      });
    case 'UPDATE':
      return counts({
        numRemovedFiles: remove.length,
        numAddedFiles: add.length,
        numUpdatedRows: rowsUpdated,
      });
    case 'MERGE':
      return counts({
        numTargetRowsInserted: rowsInserted,
        numTargetRowsUpdated: rowsUpdated,
        numTargetRowsDeleted: rowsDeleted,
        numTargetFilesAdded: add.length,
        numTargetFilesRemoved: remove.length,
      });
    default:
      return { ...counts({ numFiles: add.length, numOutputRows: rowsInserted }), numOutputBytes: bytes };
  }
}

function counts(values: Record<string, number>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}

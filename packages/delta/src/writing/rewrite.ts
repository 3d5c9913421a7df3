import type { AddFile } from '../actions.js';
import type { Predicate, Snapshot } from '../contract.js';
import { RowSet } from '../deletion-vectors/row-set.js';
import { valueAt } from '../parquet/read.js';
import { type FileBatch, FileReader } from '../rows/file-reader.js';
import type { StructField } from '../schema.js';
import { liveRecords } from '../stats.js';
import type { WritePlace, WriteSession } from './session.js';

/** What becomes of a live row: undefined leaves it, null deletes it, a row takes its place. */
export type Decision = undefined | null | readonly unknown[];

export interface Rewriting {
  place: WritePlace;
  snapshot: Snapshot;
  session: WriteSession;
  /** The columns that `decide` gets to see; all are read where rows have to be told to the change data feed. */
  columns: readonly StructField[];
  /** Only rows for which it is true are decided about. */
  where?: Predicate;
  decide(row: readonly unknown[]): Decision;
}

/**
 * Applies decisions to the rows of some files, each file on its own: with a deletion vector where the table has them
 * on, else by writing its other rows anew. Files without a decision stay as they are.
 */
export async function rewriteFiles(
  files: readonly AddFile[],
  rewriting: Rewriting,
): Promise<{ rowsUpdated: number; rowsDeleted: number }> {
  const counts = { rowsUpdated: 0, rowsDeleted: 0 };
  for (const file of files) {
    const { updated, deleted } = await rewriteFile(file, rewriting);
    counts.rowsUpdated += updated;
    counts.rowsDeleted += deleted;
  }
  return counts;
}

async function rewriteFile(
  file: AddFile,
  rewriting: Rewriting,
): Promise<{ updated: number; deleted: number }> {
  const { place, snapshot, session, where, decide } = rewriting;
  const columns = session.usesChangeData ? snapshot.schema.fields : rewriting.columns;
  const seen = rewriting.columns.map((field) => columns.indexOf(field));
  const reader = new FileReader(place, snapshot, columns, where);
  const touched = new RowSet();
  let updated = 0;
  for await (const batch of reader.read(file)) {
    for (const i of batch.selected) {
      const row = rowAt(batch, i, columns);
      const decision = decide(columns === rewriting.columns ? row : seen.map((at) => row[at]));
      if (decision === undefined) continue;
      touched.add(batch.firstRow + i);
      if (decision === null) {
        await session.change('delete', row);
        continue;
      }
      updated++;
      await session.writer.add(decision);
      await session.change('update_preimage', row);
      await session.change('update_postimage', decision);
    }
  }
  const deleted = touched.size - updated;
  if (touched.size > 0) await replace(file, touched, rewriting);
  return { updated, deleted };
}

async function replace(
  file: AddFile,
  touched: RowSet,
  { place, snapshot, session }: Rewriting,
): Promise<void> {
  const { fields } = snapshot.schema;
  const reader = new FileReader(place, snapshot, fields);
  if (session.usesDeletionVectors) {
    const { rowCount } = (await reader.open(file)).metadata;
    touched.addAll(await reader.deletedRows(file, rowCount));
    session.thinOut(file, touched, rowCount);
    return;
  }
  session.remove(file);
  if (liveRecords(file) === touched.size) return;
  for await (const batch of reader.read(file)) {
    for (const i of batch.selected) {
      if (!touched.has(batch.firstRow + i)) await session.writer.add(rowAt(batch, i, fields));
    }
  }
}

/** The values of one row, in the order of the columns. */
export function rowAt(batch: FileBatch, i: number, columns: readonly StructField[]): unknown[] {
  return columns.map((field, c) => valueAt(batch.columns[c]!, i, field));
}

import { type AddFile, compaction, planCompaction, type Snapshot, type Table } from '@eventlake/delta';
import { EventlakeError } from '../../errors.js';
import type { CompactOptions, CompactResult } from '../engine.js';
import { filesToCompact } from './compaction-plan.js';
import { PendingFiles, type WrittenFiles } from './pending-files.js';
import type { Tables, TableVersion } from './tables.js';

/** Writes the rows of files, which are of one partition, anew: fewer files, the same rows. */
export type Rewrite = (
  table: TableVersion,
  files: readonly AddFile[],
  targetBytes: number,
) => Promise<WrittenFiles>;

/** One step. */
export async function compactTable(
  tables: Tables,
  name: string,
  options: CompactOptions,
  rewrite: Rewrite,
): Promise<CompactResult> {
  const table = await tables.open(name);
  const snapshot = await table.snapshot();
  const files = filesToCompact(snapshot.files(), options);
  return rewriteFiles(tables, table, snapshot, files ? [files] : [], options.targetBytes, rewrite);
}

/** Everything, as one commit. */
export async function optimizeTable(
  tables: Tables,
  name: string,
  targetBytes: number,
  rewrite: Rewrite,
): Promise<CompactResult> {
  const table = await tables.open(name);
  const snapshot = await table.snapshot();
  if (snapshot.files().some(({ deletionVector }) => deletionVector)) return purge(table, targetBytes);
  const groups = planCompaction(snapshot, { targetBytes }).map(({ files }) => files);
  return rewriteFiles(tables, table, snapshot, groups, targetBytes, rewrite);
}

/** With its own Parquet code `@eventlake/delta` leaves out the rows that deletion vectors name. */
async function purge(table: Table, targetBytes: number): Promise<CompactResult> {
  const { status, filesRemoved, filesAdded } = await table.optimize({ targetBytes });
  return { status: status === 'committed' ? 'compacted' : 'conflict', filesRemoved, filesAdded };
}

/** The commit point is `table.commit`, which appends never conflict with. */
async function rewriteFiles(
  { store }: Tables,
  table: Table,
  snapshot: Snapshot,
  groups: readonly (readonly AddFile[])[],
  targetBytes: number,
  rewrite: Rewrite,
): Promise<CompactResult> {
  if (groups.length === 0) return { status: 'nothing-to-do', filesRemoved: 0, filesAdded: 0 };
  const { path } = table;
  // Their rows would come back.
  if (groups.some((files) => files.some(({ deletionVector }) => deletionVector))) {
    throw new EventlakeError(
      'invalid',
      'Files with deletion vectors are not compacted by the jobs',
      { table: path },
      `\`eventlake table optimize ${path.replaceAll('/', '.')}\` does it.`,
    );
  }
  const pending = new PendingFiles(store, { path, snapshot });
  const rewritten: { files: readonly AddFile[]; added: readonly AddFile[] }[] = [];
  try {
    for (const files of groups) {
      const written = await rewrite({ path, snapshot }, files, targetBytes);
      pending.files.push(...written.add);
      checkRows(path, files, written);
      rewritten.push({ files, added: written.add });
    }
    const operationParameters = { targetSize: String(targetBytes) };
    const change = compaction(snapshot, rewritten, { operationParameters });
    const { status } = await pending.commit(table, () => table.commit(change));
    if (status !== 'committed') return { status: 'conflict', filesRemoved: 0, filesAdded: 0 };
    const filesRemoved = groups.reduce((sum, { length }) => sum + length, 0);
    return { status: 'compacted', filesRemoved, filesAdded: pending.files.length };
  } finally {
    await pending.close();
  }
}

/** @throws EventlakeError `corrupt` where it is not the same number of rows, as far as the files say. */
function checkRows(table: string, files: readonly AddFile[], { rows: written }: WrittenFiles): void {
  const rows = files.reduce((sum, { stats }) => sum + recordsOf(stats), 0);
  if (Number.isNaN(rows) || rows === written) return;
  throw new EventlakeError(
    'corrupt',
    `The files to be compacted should hold ${rows} rows, but hold ${written}`,
    { table },
    'Nothing was changed. A data file was replaced by hand, or its statistics are wrong.',
  );
}

/** NaN where the file does not say. */
function recordsOf(stats: string | undefined): number {
  const { numRecords } = JSON.parse(stats ?? '{}') as { numRecords?: number };
  return numRecords ?? Number.NaN;
}

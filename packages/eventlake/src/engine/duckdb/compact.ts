import { type AddFile, compaction, type Snapshot, type Table } from '@eventlake/delta';
import { EventlakeError } from '../../errors.js';
import type { CompactOptions, CompactResult } from '../engine.js';
import { filesToCompact } from './compaction-plan.js';
import { filesSql } from './read-table.js';
import type { EngineParts } from './session.js';
import { type WrittenFiles, writeFiles } from './write-files.js';

type Parts = Pick<EngineParts, 'database' | 'files' | 'dataFileBytes'>;

const NOTHING_TO_DO: CompactResult = { status: 'nothing-to-do', filesRemoved: 0, filesAdded: 0 };

/** One step. The commit point is `table.commit`, which appends never conflict with. */
export async function compactTable(
  parts: Parts,
  table: Table,
  options: CompactOptions,
): Promise<CompactResult> {
  const snapshot = await table.snapshot();
  const files = filesToCompact(snapshot.files(), options);
  if (!files) return NOTHING_TO_DO;
  const written = await rewrite(parts, table, snapshot, files);
  const result = await table.commit(compaction(snapshot, [{ files, added: written.add }]));
  if (result.status === 'committed') {
    return { status: 'compacted', filesRemoved: files.length, filesAdded: written.add.length };
  }
  await parts.files.discard(table.path, written);
  return { ...NOTHING_TO_DO, status: 'conflict' };
}

/** Everything, as one commit. */
export async function optimizeTable(parts: Parts, table: Table, targetBytes: number): Promise<CompactResult> {
  const engine = {
    rewrite: async (_: Table, snapshot: Snapshot, { files }: { files: readonly AddFile[] }) =>
      (await rewrite(parts, table, snapshot, files)).add,
  };
  const { status, filesRemoved, filesAdded } = await table.optimize({ engine, targetBytes });
  if (status === 'nothing-to-do') return NOTHING_TO_DO;
  return { status: status === 'committed' ? 'compacted' : 'conflict', filesRemoved, filesAdded };
}

/** @throws EventlakeError `corrupt` where it is not the same number of rows: then nothing is left behind. */
async function rewrite(
  { database, files: dataFiles, dataFileBytes }: Parts,
  table: Table,
  snapshot: Snapshot,
  files: readonly AddFile[],
): Promise<WrittenFiles> {
  const connection = await database.connect();
  const lease = dataFiles.lease();
  try {
    const localFile = await lease.open(table.path, files);
    const sql = filesSql({ path: table.path, snapshot, localFile }, files);
    const target = { folder: await dataFiles.folderFor(table), fileBytes: dataFileBytes };
    const written = await writeFiles(connection, target, snapshot, sql);
    const rows = files.reduce((sum, { stats }) => sum + recordsOf(stats), 0);
    if (Number.isNaN(rows) || rows === written.rows) {
      await dataFiles.publish(table, written);
      return written;
    }
    await dataFiles.discard(table.path, written);
    throw new EventlakeError(
      'corrupt',
      `The files to be compacted should hold ${rows} rows, but hold ${written.rows}`,
      { table: table.path },
      'Nothing was changed. A data file was replaced by hand, or its statistics are wrong.',
    );
  } finally {
    connection.disconnectSync();
    await lease.close();
  }
}

/** NaN where the file does not say. */
function recordsOf(stats: string | undefined): number {
  const { numRecords } = JSON.parse(stats ?? '{}') as { numRecords?: number };
  return numRecords ?? Number.NaN;
}

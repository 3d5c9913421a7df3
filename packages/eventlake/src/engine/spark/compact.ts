import { type AddFile, compaction, type Snapshot, type Table } from '@eventlake/delta';
import { EventlakeError } from '../../errors.js';
import { filesToCompact } from '../duckdb/compaction-plan.js';
import type { CompactOptions, CompactResult } from '../engine.js';
import type { ConnectSession } from './connect/session.js';
import { parquetRelation } from './read-table.js';
import { coalesceRelation } from './relations.js';
import type { EngineParts } from './session.js';
import { removeFiles, type WrittenFiles, writeFiles } from './write-files.js';

const NOTHING_TO_DO: CompactResult = { status: 'nothing-to-do', filesRemoved: 0, filesAdded: 0 };

/** One step. The commit point is `table.commit`, which appends never conflict with: Spark only writes the files. */
export async function compactTable(
  parts: EngineParts,
  session: ConnectSession,
  table: Table,
  options: CompactOptions,
): Promise<CompactResult> {
  const snapshot = await table.snapshot();
  const files = filesToCompact(snapshot.files(), options);
  if (!files) return NOTHING_TO_DO;
  const written = await rewrite(parts, session, table, snapshot, files, options.targetBytes);
  const result = await table.commit(compaction(snapshot, [{ files, added: written.add }]));
  if (result.status === 'committed') {
    return { status: 'compacted', filesRemoved: files.length, filesAdded: written.add.length };
  }
  await removeFiles(parts.store, written.paths);
  return { ...NOTHING_TO_DO, status: 'conflict' };
}

/** Everything, as one commit. */
export async function optimizeTable(
  parts: EngineParts,
  session: ConnectSession,
  table: Table,
  targetBytes: number,
): Promise<CompactResult> {
  const engine = {
    rewrite: async (_: Table, snapshot: Snapshot, { files }: { files: readonly AddFile[] }) => {
      const { add } = await rewrite(parts, session, table, snapshot, files, targetBytes);
      return add.map((file) => ({ ...file, dataChange: false }));
    },
  };
  const { status, filesRemoved, filesAdded } = await table.optimize({ engine, targetBytes });
  if (status === 'nothing-to-do') return NOTHING_TO_DO;
  return { status: status === 'committed' ? 'compacted' : 'conflict', filesRemoved, filesAdded };
}

/** The files, which are of one partition, as larger ones. */
async function rewrite(
  { store }: EngineParts,
  session: ConnectSession,
  table: Table,
  snapshot: Snapshot,
  files: readonly AddFile[],
  targetBytes: number,
): Promise<WrittenFiles> {
  if (files.some(({ deletionVector }) => deletionVector)) {
    throw new EventlakeError(
      'invalid',
      'Tables with deletion vectors are compacted by their own engine only',
      {
        table: table.path,
      },
    );
  }
  const input = parquetRelation({ store, path: table.path, snapshot }, files);
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const { partitionValues } = files[0]!;
  const target = { store, path: table.path, snapshot, partitionValues };
  const written = await writeFiles(session, target, coalesceRelation(input, Math.ceil(bytes / targetBytes)));
  const rows = files.reduce((sum, { stats }) => sum + recordsOf(stats), 0);
  if (Number.isNaN(rows) || rows === written.rows) return written;
  await removeFiles(store, written.paths);
  throw new EventlakeError(
    'corrupt',
    `The files to be compacted should hold ${rows} rows, but hold ${written.rows}`,
    { table: table.path },
    'Nothing was changed. A data file was replaced by hand, or its statistics are wrong.',
  );
}

/** NaN where the file does not say. */
function recordsOf(stats: string | undefined): number {
  const { numRecords } = JSON.parse(stats ?? '{}') as { numRecords?: number };
  return numRecords ?? Number.NaN;
}

import type { AddFile } from '../actions.js';
import { compaction, planCompaction } from '../changes/compaction.js';
import type {
  DataEngine,
  DeletedRows,
  OptimizeOptions,
  OptimizeResult,
  Snapshot,
  Table,
} from '../contract.js';
import { DeltaError } from '../errors.js';
import { checkWritable } from '../log/features.js';
import { liveRecords } from '../stats.js';

/** A file of which a reader without an engine can hold a row group in memory. */
const TARGET_BYTES_DEFAULT = 64 * 2 ** 20;

/**
 * Puts small files together, as one commit. Readers notice nothing but speed; appends go on meanwhile. Where somebody
 * else removed one of the files the outcome is `conflict`, and nothing has happened but files that vacuum finds.
 * @throws DeltaError of kind `corrupt` where the engine wrote another number of rows than it read.
 */
export async function optimize(
  table: Table,
  engine: DataEngine,
  deletedRowsOf: (snapshot: Snapshot) => DeletedRows,
  options: OptimizeOptions,
): Promise<OptimizeResult> {
  const { txn, sortBy, targetBytes = TARGET_BYTES_DEFAULT, ...compact } = options;
  const snapshot = await table.snapshot();
  checkWritable(snapshot.protocol, snapshot.metadata, table.path);
  const groups = planCompaction(snapshot, { ...compact, targetBytes });
  if (groups.length === 0) {
    return { status: 'nothing-to-do', version: snapshot.version, filesRemoved: 0, filesAdded: 0 };
  }
  const deletedRows = deletedRowsOf(snapshot);
  const rewritten: { files: AddFile[]; added: AddFile[] }[] = [];
  for (const group of groups) {
    const added = await engine.rewrite(table, snapshot, group, { ...(sortBy && { sortBy }), deletedRows });
    checkRows(table.path, group.files, added);
    rewritten.push({ files: group.files, added });
  }
  const change = compaction(snapshot, rewritten, {
    operationParameters: {
      targetSize: String(targetBytes),
      ...(sortBy && { sortBy: JSON.stringify(sortBy) }),
    },
    ...(txn && { txn }),
  });
  const { status, version } = await table.commit(change);
  const isDone = status === 'committed';
  return {
    status,
    version,
    filesRemoved: isDone ? (change.remove?.length ?? 0) : 0,
    filesAdded: isDone ? (change.add?.length ?? 0) : 0,
  };
}

/** The last moment to notice that rows would get lost. */
function checkRows(table: string, before: readonly AddFile[], after: readonly AddFile[]): void {
  const [read, written] = [countOf(before), countOf(after)];
  if (read === undefined || written === undefined || read === written) return;
  throw new DeltaError('corrupt', `Compaction read ${read} rows and wrote ${written}`, { table });
}

function countOf(files: readonly AddFile[]): number | undefined {
  let total = 0;
  for (const file of files) {
    const records = liveRecords(file);
    if (records === undefined) return undefined;
    total += records;
  }
  return total;
}

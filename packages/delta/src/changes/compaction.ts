import type { AddFile } from '../actions.js';
import type { Change, CompactionGroup, CompactionOptions, Snapshot } from '../contract.js';

const MIN_FILES_DEFAULT = 2;
const MAX_BYTES_DEFAULT = 8 * 1024 ** 3;

/**
 * Which files to write anew together, by partition, in the order in which they were added, so that sorted data stays
 * sorted: neighbours are put together until the target is reached. Files near the target are left alone, and so is
 * what a former run made. Files with deletion vectors come along whatever their size, since that is how deleted rows
 * go. Pure; no I/O.
 */
export function planCompaction(snapshot: Snapshot, options: CompactionOptions): CompactionGroup[] {
  const { targetBytes, minFiles = MIN_FILES_DEFAULT, where, maxBytes = MAX_BYTES_DEFAULT } = options;
  const groups: CompactionGroup[] = [];
  let plannedBytes = 0;
  for (const files of filesByPartition(snapshot.files(where))) {
    for (const group of groupsOf(files, targetBytes)) {
      const isWorth = group.files.length >= minFiles || group.files.some((file) => file.deletionVector);
      if (!isWorth) continue;
      plannedBytes += group.sizeBytes;
      if (plannedBytes > maxBytes && groups.length > 0) return groups;
      groups.push(group);
    }
  }
  return groups;
}

/** The commit of groups that an engine has written anew. Never conflicts with appends. Pure. */
export function compaction(
  snapshot: Snapshot,
  rewritten: readonly { files: readonly AddFile[]; added: readonly AddFile[] }[],
  details: Pick<Change, 'txn' | 'operationParameters' | 'userMetadata'> = {},
): Change {
  const remove = rewritten.flatMap(({ files }) => files);
  const add = rewritten.flatMap(({ added }) => added);
  const bytes = (files: readonly AddFile[]): string =>
    String(files.reduce((total, { size }) => total + size, 0));
  return {
    ...details,
    operation: 'OPTIMIZE',
    operationMetrics: {
      numRemovedFiles: String(remove.length),
      numAddedFiles: String(add.length),
      numRemovedBytes: bytes(remove),
      numAddedBytes: bytes(add),
    },
    readVersion: snapshot.version,
    rearrangesOnly: true,
    remove,
    add,
  };
}

/** Files with the same partition values together, in the order in which each first came. Pure. */
export function filesByPartition(files: readonly AddFile[]): AddFile[][] {
  const partitions = new Map<string, AddFile[]>();
  for (const file of files) {
    const key = JSON.stringify(Object.entries(file.partitionValues).sort(([a], [b]) => (a < b ? -1 : 1)));
    const partition = partitions.get(key);
    if (partition) partition.push(file);
    else partitions.set(key, [file]);
  }
  return [...partitions.values()];
}

/** A file of this part of the target is as good as one that has reached it. */
const FULL_ENOUGH = 0.75;

function groupsOf(files: readonly AddFile[], targetBytes: number): CompactionGroup[] {
  const groups: CompactionGroup[] = [];
  let group: CompactionGroup | undefined;
  for (const file of files) {
    if (file.size >= targetBytes * FULL_ENOUGH && !file.deletionVector) continue;
    if (!group || group.sizeBytes + file.size > targetBytes) {
      group = { partitionValues: file.partitionValues, files: [], sizeBytes: 0 };
      groups.push(group);
    }
    group.files.push(file);
    group.sizeBytes += file.size;
  }
  return groups;
}

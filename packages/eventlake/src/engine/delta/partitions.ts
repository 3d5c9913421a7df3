import type { AddFile } from '@eventlake/delta';

/** Files with the same partition values, together. */
export function groupByPartition(files: readonly AddFile[]): AddFile[][] {
  const groups = new Map<string, AddFile[]>();
  for (const file of files) {
    const key = JSON.stringify(Object.entries(file.partitionValues).sort());
    const group = groups.get(key);
    if (group) group.push(file);
    else groups.set(key, [file]);
  }
  return [...groups.values()];
}

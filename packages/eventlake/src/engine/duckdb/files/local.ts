import { open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { dataFilePath, type Store } from '@eventlake/delta';
import type { DataFiles } from './data-files.js';

/** The tables are folders of this machine: DuckDB reads and writes there. */
export function localDataFiles(store: Store): DataFiles {
  const pathOf = (path: string): string => store.localPath!(path);
  return {
    folderFor: async (table) => pathOf(table.path),
    publish: async (table, { paths }) => flush(pathOf(table.path), paths),
    discard: async (_, { paths }) => {
      await Promise.all(paths.map((path) => rm(path, { force: true })));
    },
    lease: () => ({
      open: async (table) => (file) => pathOf(dataFilePath(store.url, table, file.path)),
      close: async () => {},
    }),
  };
}

/** A commit must never name a file that a power loss would take: the files, then the folders that name them. */
async function flush(folder: string, paths: readonly string[]): Promise<void> {
  const folders = new Set<string>();
  for (const path of paths) {
    for (let above = dirname(path); above.length >= folder.length; above = dirname(above)) folders.add(above);
  }
  await Promise.all(paths.map(sync));
  await Promise.all([...folders].map(sync));
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

import { closeSync, fsync as fsyncCallback, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { dataFilePath, type Store } from '@eventlake/delta';
import type { DataFiles } from './data-files.js';

const fsync = promisify(fsyncCallback);

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

/** A commit must never name a file that a power loss would take: the files, and the folders that name them. */
async function flush(folder: string, paths: readonly string[]): Promise<void> {
  const names = new Set(paths);
  for (const path of paths) {
    for (let above = dirname(path); above.length >= folder.length; above = dirname(above)) names.add(above);
  }
  await Promise.all([...names].map(sync));
}

/** Opening takes microseconds, and through libuv's pool ten times as long; flushing waits for the disk. */
async function sync(path: string): Promise<void> {
  const descriptor = openSync(path, 'r');
  try {
    await fsync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

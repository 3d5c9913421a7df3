import { closeSync, fsync as fsyncCallback, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { mapAtMost } from '../map-at-most.js';

const fsync = promisify(fsyncCallback);

const OPEN_FILES_MAX = 64;

/**
 * A commit must never name a file that a power loss would take: flushes the files, and the folders that name them.
 * @param folder the table's, absolute, as are the paths
 */
export async function flushFiles(folder: string, paths: readonly string[]): Promise<void> {
  const names = new Set(paths);
  for (const path of paths) {
    for (let above = dirname(path); above.length >= folder.length; above = dirname(above)) names.add(above);
  }
  await mapAtMost(OPEN_FILES_MAX, [...names], flush);
}

/** Opening takes microseconds, and through libuv's pool ten times as long; flushing waits for the disk. */
async function flush(path: string): Promise<void> {
  const descriptor = openSync(path, 'r');
  try {
    await fsync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

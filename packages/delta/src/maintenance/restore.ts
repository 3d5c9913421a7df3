import type { AddFile } from '../actions.js';
import { mapBounded } from '../bounded.js';
import type { Snapshot } from '../contract.js';
import { DeltaError } from '../errors.js';
import { dataFilePath } from '../log/paths.js';
import { type Store, StoreError } from '../store.js';

const CHECKS_MAX = 16;

/**
 * Checks that files which an older version names are still there.
 * @throws DeltaError of kind `no-such-version`, naming the first that vacuum has taken.
 */
export async function checkFilesThere(
  store: Store,
  table: string,
  target: Snapshot,
  files: readonly AddFile[],
): Promise<void> {
  await mapBounded(files, CHECKS_MAX, async ({ path }) => {
    try {
      await store.get(dataFilePath(store.url, table, path), { start: 0, end: 1 });
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== 'not-found') throw error;
      throw new DeltaError(
        'no-such-version',
        `Version ${target.version} cannot be restored: ${path} is gone`,
        { table, version: target.version, file: path },
        'Vacuum deletes the files of versions older than the retention.',
      );
    }
  });
}

import { dataFilePath, type Store } from '@eventlake/delta';
import { flushFiles } from '../../delta/flush-files.js';
import type { DataFiles } from './data-files.js';

/** The tables are folders of this machine: DuckDB reads and writes there. */
export function localDataFiles(store: Store): DataFiles {
  const pathOf = (path: string): string => store.localPath!(path);
  return {
    folderFor: async (table) => pathOf(table),
    publish: (_, folder, paths) => flushFiles(folder, paths),
    lease: () => ({
      open: async (table) => (file) => pathOf(dataFilePath(store.url, table, file.path)),
      close: async () => {},
    }),
  };
}

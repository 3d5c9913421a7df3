import type { AddFile, Store } from '@eventlake/delta';
import { FileCache } from './file-cache.js';
import { localDataFiles } from './local.js';
import { remoteDataFiles } from './remote.js';

/** Where a table's files lie while DuckDB, which knows files of this machine only, reads or writes them. */
export interface DataFiles {
  /** A folder, absolute, for new files of the table. */
  folderFor(table: string): Promise<string>;
  /** Makes files that were written there durable in the table's place: before a commit names them. Paths are absolute. */
  publish(table: string, folder: string, paths: readonly string[]): Promise<void>;
  /** For what is read by one session or one compaction. */
  lease(): Lease;
}

/** Files that stay readable until it is closed. */
export interface Lease {
  /** @returns each file's path on this machine. */
  open(table: string, files: readonly AddFile[]): Promise<(file: AddFile) => string>;
  close(): Promise<void>;
}

export interface DataFilesOptions {
  store: Store;
  /** Of this engine, and removed with it. */
  tempDir: string;
  /** Copies of remote files, shared by the processes of a data folder; on the file system of `tempDir`. */
  cacheDir: string;
  cacheBytesMax: number;
}

export function openDataFiles({ store, tempDir, cacheDir, cacheBytesMax }: DataFilesOptions): DataFiles {
  return store.localPath
    ? localDataFiles(store)
    : remoteDataFiles(store, tempDir, new FileCache(cacheDir, cacheBytesMax));
}

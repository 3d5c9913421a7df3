import {
  type AddFile,
  type CommitResult,
  dataFilePath,
  type Store,
  StoreError,
  type Table,
} from '@eventlake/delta';
import { mapAtMost } from '../map-at-most.js';
import type { TableVersion } from './tables.js';

/** Data files of a table, durable, that no commit names yet. */
export interface WrittenFiles {
  add: AddFile[];
  rows: number;
  bytes: number;
}

/** Files that were written for a commit, and whether it is done. */
export class PendingFiles {
  readonly files: AddFile[] = [];
  /** `unsure`: the table may need the files. Vacuum finds them where it does not. */
  #committed: 'no' | 'unsure' | 'yes' = 'no';
  readonly #store: Store;
  readonly #table: TableVersion;

  /** @param table the version that was read before anything was written */
  constructor(store: Store, table: TableVersion) {
    this.#store = store;
    this.#table = table;
  }

  get isCommitted(): boolean {
    return this.#committed === 'yes';
  }

  /** The version that was read before anything was written. */
  get readVersion(): number {
    return this.#table.snapshot.version;
  }

  /** @param commit the commit point, naming the files; it may be tried again as long as it is not done. */
  async commit(table: Table, commit: () => Promise<CommitResult>): Promise<CommitResult> {
    const before = this.#committed;
    this.#committed = 'unsure';
    try {
      const result = await commit();
      // Where an attempt before this one is unsure, it may be what this one has met.
      this.#committed = result.status === 'committed' ? 'yes' : before;
      return result;
    } catch (error) {
      if (await this.#surelyFailed(table, error)) this.#committed = before;
      throw error;
    }
  }

  /** Removes the files unless the table has them, or may. */
  async close(): Promise<void> {
    if (this.#committed !== 'no') return;
    // Best effort: vacuum finds what stays, and whatever went wrong before must not be hidden.
    await mapAtMost(DELETES_MAX, this.files, (file) =>
      this.#store.delete(dataFilePath(this.#store.url, this.#table.path, file.path)),
    ).catch(() => {});
  }

  /**
   * A disk that is full fills up further with each try, if nobody removes its files. On a folder, unlike on an object store,
   * no write is under way any more when a file system has refused it; so the log tells: nothing has landed at all.
   */
  async #surelyFailed(table: Table, error: unknown): Promise<boolean> {
    const isRefused = error instanceof StoreError && (error.kind === 'full' || error.kind === 'forbidden');
    if (!isRefused || !this.#store.localPath) return false;
    try {
      return (await table.snapshot()).version === this.readVersion;
    } catch {
      return false;
    }
  }
}

const DELETES_MAX = 16;

import { type AddFile, type CommitResult, dataFilePath, type Store } from '@eventlake/delta';
import { mapAtMost } from '../map-at-most.js';

/** Data files of a table, durable, that no commit names yet. */
export interface WrittenFiles {
  add: AddFile[];
  rows: number;
  bytes: number;
}

/** Files on their way into a table: what has been written for a commit, and whether it has landed. */
export class Landing {
  readonly files: AddFile[] = [];
  /** `unsure`: the store did not answer, so that the table may need the files. Vacuum finds them where it does not. */
  #landed: 'no' | 'unsure' | 'yes' = 'no';
  readonly #store: Store;
  readonly #path: string;

  /** @param path the table's, in the store */
  constructor(store: Store, path: string) {
    this.#store = store;
    this.#path = path;
  }

  get hasLanded(): boolean {
    return this.#landed === 'yes';
  }

  /** @param commit the commit point, naming the files; it may be tried again as long as they have not landed. */
  async commit(commit: () => Promise<CommitResult>): Promise<CommitResult> {
    const before = this.#landed;
    this.#landed = 'unsure';
    const result = await commit();
    // Where an attempt before this one is unsure, it may be what this one has met.
    this.#landed = result.status === 'committed' ? 'yes' : before;
    return result;
  }

  /** Removes the files unless the table has them, or may. */
  async close(): Promise<void> {
    // Best effort: vacuum finds what stays, and whatever went wrong before must not be hidden.
    if (this.#landed === 'no') await discardFiles(this.#store, this.#path, this.files).catch(() => {});
  }
}

const DELETES_MAX = 16;

/** For files that surely no commit names. */
export async function discardFiles(store: Store, path: string, files: readonly AddFile[]): Promise<void> {
  await mapAtMost(DELETES_MAX, files, (file) => store.delete(dataFilePath(store.url, path, file.path)));
}

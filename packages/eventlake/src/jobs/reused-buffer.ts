import { open } from 'node:fs/promises';
import type { Store } from '@eventlake/delta';

/**
 * Reads one file of a store after the other into the same memory. A new array for each of many megabytes makes the heap be
 * collected several times, and the kernel clear its pages; where the store is no folder, that is small beside the network.
 */
export class ReusedBuffer {
  #bytes = new Uint8Array(0);

  constructor(private readonly store: Store) {}

  /** @returns the file's bytes, until the next call. */
  async read(path: string): Promise<Uint8Array> {
    const file = this.store.localPath?.(path);
    const handle = file === undefined ? undefined : await open(file, 'r').catch(() => undefined);
    // The store knows best what is wrong with a file that cannot be opened.
    if (!handle) return this.store.get(path);
    try {
      const { size } = await handle.stat();
      if (this.#bytes.length < size) this.#bytes = new Uint8Array(size);
      let length = 0;
      while (length < size) {
        const { bytesRead } = await handle.read(this.#bytes, length, size - length, length);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      return this.#bytes.subarray(0, length);
    } finally {
      await handle.close();
    }
  }
}

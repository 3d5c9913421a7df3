import type { Database, Key } from 'lmdb';

/**
 * What is stored under a key, without a copy: good until the next read. lmdb hands out a buffer that is longer than the
 * value and sets its `length`, which not all of its methods heed in Node 24: this view is as long as the value.
 */
export function storedBytes<K extends Key>(database: Database<Buffer, K>, key: K): Uint8Array | undefined {
  const bytes = database.getBinaryFast(key);
  return bytes && new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

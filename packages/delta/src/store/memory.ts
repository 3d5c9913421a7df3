import { type Store, type StoreEntry, StoreError } from '../store.js';
import { checkStorePath, checkStorePrefix, compareUtf8 } from './path.js';

/** A store that lives as long as its object: for tests, and for tables that nobody keeps. */
export function memoryStore(): Store {
  const objects = new Map<string, { data: Uint8Array; modifiedMs: number }>();
  const write = (path: string, data: Uint8Array): void => {
    // A copy, because the caller's buffer stays the caller's.
    objects.set(path, { data: data.slice(), modifiedMs: Date.now() });
  };

  return {
    url: 'memory:',

    async get(path, range) {
      checkStorePath(path);
      const object = objects.get(path);
      if (!object) throw new StoreError('not-found', `No object ${path}`, path);
      return range ? object.data.slice(range.start, range.end) : object.data.slice();
    },

    async *list(prefix, options) {
      checkStorePrefix(prefix);
      const found: StoreEntry[] = [];
      for (const [path, { data, modifiedMs }] of objects) {
        if (!path.startsWith(prefix)) continue;
        if (options?.startAfter !== undefined && compareUtf8(path, options.startAfter) <= 0) continue;
        found.push({ path, sizeBytes: data.byteLength, modifiedMs });
      }
      yield* found.sort((a, b) => compareUtf8(a.path, b.path));
    },

    async put(path, data) {
      checkStorePath(path);
      write(path, data);
    },

    async putIfAbsent(path, data) {
      checkStorePath(path);
      if (objects.has(path)) return false;
      write(path, data);
      return true;
    },

    async delete(path) {
      checkStorePath(path);
      objects.delete(path);
    },
  };
}

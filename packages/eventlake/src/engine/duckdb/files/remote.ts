import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { type AddFile, dataFilePath, type Store } from '@eventlake/delta';
import { EventlakeError } from '../../../errors.js';
import { mapAtMost } from '../../map-at-most.js';
import { FETCH_BYTES, FETCHES_MAX, UPLOADS_MAX } from '../limits.js';
import type { DataFiles, Lease } from './data-files.js';
import type { FileCache } from './file-cache.js';

/**
 * The tables lie on an object store. What is read is fetched, whole files but only those that are needed, and what is
 * written is uploaded before the commit; both are kept in the cache. Nothing is held in memory but a few pieces.
 */
export function remoteDataFiles(store: Store, tempDir: string, cache: FileCache): DataFiles {
  let folders = 0;
  const nextFolder = async (kind: string): Promise<string> => {
    const folder = join(tempDir, `${kind}-${++folders}`);
    await mkdir(folder);
    return folder;
  };

  return {
    folderFor: () => nextFolder('written'),

    async publish(table, folder, paths) {
      try {
        await mapAtMost(UPLOADS_MAX, paths, async (path) => {
          const target = `${table}/${relative(folder, path).split(sep).join('/')}`;
          if (store.putFile) await store.putFile(target, path);
          else await store.put(target, await readFile(path));
          const { size } = await stat(path);
          await cache.keep(cacheName(store, target, size), size, path);
        });
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },

    lease: () => remoteLease(store, cache, () => nextFolder('read')),
  };
}

function remoteLease(store: Store, cache: FileCache, nextFolder: () => Promise<string>): Lease {
  let folder: Promise<string> | undefined;
  return {
    async open(table, files) {
      folder ??= nextFolder();
      const into = await folder;
      const opened = new Map<string, string>();
      await mapAtMost(FETCHES_MAX, files, async (file) => {
        const path = dataFilePath(store.url, table, file.path);
        const name = cacheName(store, path, file.size);
        const local = join(into, name);
        opened.set(file.path, local);
        if ((await isThere(local)) || (await cache.take(name, file.size, local))) return;
        await fetchFile(store, table, path, file, local);
        await cache.keep(name, file.size, local);
      });
      return (file) => opened.get(file.path)!;
    },
    async close() {
      if (folder) await rm(await folder, { recursive: true, force: true });
    },
  };
}

/** Names of data files are never used again, so that the place and the size tell which bytes they are. */
function cacheName(store: Store, path: string, sizeBytes: number): string {
  return `${createHash('sha256').update(`${store.url}\n${path}\n${sizeBytes}`).digest('hex')}.parquet`;
}

/** Piece by piece, flushed before it has its name: after a power loss the cache must hold no file of zeros. */
async function fetchFile(store: Store, table: string, path: string, { size }: AddFile, to: string) {
  const beginning = `${to}.begun`;
  const handle = await open(beginning, 'w');
  try {
    for (let start = 0; start < size; start += FETCH_BYTES) {
      const end = Math.min(start + FETCH_BYTES, size);
      const bytes = await store.get(path, { start, end });
      if (bytes.length !== end - start) {
        throw new EventlakeError(
          'corrupt',
          `A data file should have ${size} bytes and ends after ${start + bytes.length}`,
          { table, file: path },
          'It was replaced by something else than eventlake. Restore it from a copy.',
        );
      }
      await handle.write(bytes, 0, bytes.length, start);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(beginning, to);
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

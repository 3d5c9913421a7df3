import { randomUUID } from 'node:crypto';
import {
  closeSync,
  type Dirent,
  fsync as fsyncCallback,
  linkSync,
  lstatSync,
  openSync,
  readFile as readFileCallback,
  readSync,
  renameSync,
  unlinkSync,
  write as writeCallback,
  writeSync,
} from 'node:fs';
import { lstat, mkdir, open, readdir, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { type Store, type StoreEntry, StoreError, type StoreErrorKind } from '../store.js';
import { checkStorePath, checkStorePrefix, compareUtf8 } from './path.js';

/** The calls of `node:fs/promises` take twice as long. */
const readFile = promisify(readFileCallback);
const writeSome = promisify(writeCallback);
const fsync = promisify(fsyncCallback);

/** Temporary files begin with this; a listing leaves them out, so a crash leaves nothing that anybody sees. */
const TEMPORARY = '.tmp-';

/** How many files of a listing are looked at before the process may do something else. */
const STAT_BATCH = 256;

/**
 * Commits are small and were written lately, so that they are in memory. Five calls through libuv's pool take ten times
 * as long as reading them at once; for the 1,000 commits of a table without a checkpoint that is most of the time.
 */
const COMMIT_NAME = /\.json$/;
const SMALL_BYTES = 64 * 1024;
const SMALL_READS_MAX = 64;

/** More than this is written in several pieces: a single one may not be larger than 2 GiB. */
const WRITE_BYTES = 64 * 1024 * 1024;

/**
 * A folder as a store. What is acknowledged survives a power loss: the file is flushed before it gets its name, and
 * the folder after. Processes on one machine exclude each other by link(2), which fails where the name is taken.
 */
export function localStore(rootDir: string): Store {
  const root = resolve(rootDir);
  /** Folders that this process has looked through for what killed writers left. */
  const swept = new Set<string>();
  let smallReads = 0;
  const absolute = (path: string): string => {
    checkStorePath(path);
    return join(root, path);
  };

  const write = async (
    path: string,
    data: Uint8Array,
    publish: (temporary: string, file: string) => boolean,
  ): Promise<boolean> => {
    const file = absolute(path);
    const folder = dirname(file);
    if (!swept.has(folder)) {
      swept.add(folder);
      await sweep(folder);
    }
    return writeDurably(file, data, path, (temporary) => publish(temporary, file));
  };

  return {
    url: pathToFileURL(root).href,
    localPath: absolute,

    async get(path, range) {
      const file = absolute(path);
      try {
        if (range) return await readRange(file, range);
        if (COMMIT_NAME.test(path)) {
          if (++smallReads % SMALL_READS_MAX === 0) await setImmediate();
          const bytes = readSmall(file);
          if (bytes) return bytes;
        }
        return await readFile(file);
      } catch (cause) {
        throw storeError(cause, 'read', path);
      }
    },

    async *list(prefix, options) {
      checkStorePrefix(prefix);
      const slash = prefix.lastIndexOf('/');
      yield* listFolder(root, slash < 0 ? '' : prefix.slice(0, slash), prefix, options?.startAfter);
    },

    async stat(path) {
      checkStorePath(path);
      return statEntry(root, path);
    },

    async put(path, data) {
      await write(path, data, (temporary, file) => {
        renameSync(temporary, file);
        return true;
      });
    },

    async putIfAbsent(path, data) {
      return write(path, data, (temporary, file) => {
        try {
          linkSync(temporary, file);
          return true;
        } catch (error) {
          if (errorCode(error) === 'EEXIST') return false;
          throw error;
        } finally {
          unlinkSync(temporary);
        }
      });
    },

    async delete(path) {
      const file = absolute(path);
      try {
        await unlink(file);
      } catch (cause) {
        const error = storeError(cause, 'delete', path);
        if (error.kind !== 'not-found') throw error;
      }
    },
  };
}

/** A temporary file of this age belongs to nobody any more. */
const ABANDONED_AGE_MS = 24 * 3_600_000;

/** Removes what writers left that were killed between writing and naming. Best effort: nobody sees those files. */
async function sweep(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(TEMPORARY)) continue;
    const file = join(folder, name);
    const age = Date.now() - (await lstat(file).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs;
    if (age > ABANDONED_AGE_MS) await unlink(file).catch(() => {});
  }
}

/**
 * Writes beside the target, flushes, lets `publish` give it its name, flushes the folder. Only what waits for the disk
 * goes through libuv's pool: for what is done in microseconds, the way there and back takes most of the time.
 */
async function writeDurably(
  file: string,
  data: Uint8Array,
  path: string,
  publish: (temporary: string) => boolean,
): Promise<boolean> {
  const folder = dirname(file);
  const temporary = join(folder, `${TEMPORARY}${randomUUID()}`);
  try {
    const descriptor = await openNew(temporary, folder);
    try {
      await writeAll(descriptor, data);
      await fsync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    const published = publish(temporary);
    // Also where somebody else's file has the name: whoever builds on it must find it after a power loss.
    await syncFolder(folder);
    return published;
  } catch (cause) {
    await unlink(temporary).catch(() => {});
    throw storeError(cause, 'write', path);
  }
}

async function writeAll(descriptor: number, data: Uint8Array): Promise<void> {
  for (let written = 0; written < data.length; ) {
    const length = Math.min(data.length - written, WRITE_BYTES);
    written +=
      data.length <= SMALL_BYTES
        ? writeSync(descriptor, data, written, length)
        : (await writeSome(descriptor, data, written, length)).bytesWritten;
  }
}

async function openNew(file: string, folder: string): Promise<number> {
  try {
    return openSync(file, 'wx');
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  const firstMade = await mkdir(folder, { recursive: true });
  if (firstMade !== undefined) await syncFoldersUp(folder, dirname(firstMade));
  return openSync(file, 'wx');
}

/** A new folder is an entry of its parent, which has to be flushed as well. */
async function syncFoldersUp(from: string, upTo: string): Promise<void> {
  for (let folder = from; folder.length > upTo.length; ) {
    folder = dirname(folder);
    await syncFolder(folder);
  }
}

async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open a folder, and its NTFS journals names by itself.
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    await fsync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Undefined where it is larger. */
function readSmall(file: string): Uint8Array | undefined {
  const descriptor = openSync(file, 'r');
  try {
    const length = readSync(descriptor, scratch, 0, SMALL_BYTES, 0);
    return length < SMALL_BYTES ? scratch.slice(0, length) : undefined;
  } finally {
    closeSync(descriptor);
  }
}

const scratch = new Uint8Array(SMALL_BYTES);

async function readRange(file: string, { start, end }: { start: number; end: number }): Promise<Uint8Array> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
    let read = 0;
    while (read < bytes.length) {
      const { bytesRead } = await handle.read(bytes, read, bytes.length - read, start + read);
      if (bytesRead === 0) break;
      read += bytesRead;
    }
    return bytes.subarray(0, read);
  } finally {
    await handle.close();
  }
}

async function* listFolder(
  root: string,
  folder: string,
  prefix: string,
  startAfter: string | undefined,
): AsyncGenerator<StoreEntry> {
  let entries: Dirent[];
  try {
    entries = await readdir(join(root, folder), { withFileTypes: true });
  } catch (cause) {
    const error = storeError(cause, 'list', folder);
    if (error.kind === 'not-found') return;
    throw error;
  }

  const base = folder === '' ? '' : `${folder}/`;
  // A folder sorts as its name followed by `/`: so the whole listing is in the order of full paths.
  const wanted = entries
    .filter((entry) => (entry.isFile() || entry.isDirectory()) && !entry.name.startsWith(TEMPORARY))
    .map((entry) => ({
      folder: entry.isDirectory(),
      path: `${base}${entry.name}${entry.isDirectory() ? '/' : ''}`,
    }))
    .filter((entry) => mayHold(entry, prefix, startAfter))
    .sort((a, b) => compareUtf8(a.path, b.path));

  for (let i = 0; i < wanted.length; ) {
    if (wanted[i]!.folder) {
      yield* listFolder(root, wanted[i]!.path.slice(0, -1), prefix, startAfter);
      i++;
      continue;
    }
    if (i % STAT_BATCH === STAT_BATCH - 1) await setImmediate();
    const entry = statEntry(root, wanted[i++]!.path);
    if (entry) yield entry;
  }
}

function mayHold(
  entry: { folder: boolean; path: string },
  prefix: string,
  startAfter: string | undefined,
): boolean {
  const inPrefix = entry.path.startsWith(prefix) || (entry.folder && prefix.startsWith(entry.path));
  if (!inPrefix || startAfter === undefined) return inPrefix;
  if (entry.folder && startAfter.startsWith(entry.path)) return true;
  return compareUtf8(entry.path, startAfter) > 0;
}

/** Undefined for what is no file, or none any more. At once: through libuv's pool it takes ten times as long. */
function statEntry(root: string, path: string): StoreEntry | undefined {
  try {
    const stats = lstatSync(join(root, path), { throwIfNoEntry: false });
    if (!stats?.isFile()) return undefined;
    return { path, sizeBytes: stats.size, modifiedMs: Math.floor(stats.mtimeMs) };
  } catch (cause) {
    throw storeError(cause, 'list', path);
  }
}

const KINDS: Record<string, [StoreErrorKind, hint?: string]> = {
  ENOENT: ['not-found'],
  ENOTDIR: ['not-found'],
  EISDIR: ['not-found'],
  EACCES: ['forbidden', 'Give this user the right to read and write the folder.'],
  EPERM: ['forbidden', 'Give this user the right to read and write the folder.'],
  ENOTSUP: ['unsupported', 'The file system has no hard links, so writers cannot exclude each other on it.'],
  EROFS: ['forbidden', 'The file system is mounted read-only.'],
  ENOSPC: ['full', 'Free some space; what was acknowledged before is safe.'],
  EDQUOT: ['full', 'The quota is used up; what was acknowledged before is safe.'],
};

function storeError(cause: unknown, doing: string, path: string): StoreError {
  if (cause instanceof StoreError) return cause;
  const code = errorCode(cause);
  const [kind, hint] = KINDS[code ?? ''] ?? ['unavailable'];
  return new StoreError(kind, `Cannot ${doing} ${path}: ${code ?? String(cause)}`, path, hint, { cause });
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

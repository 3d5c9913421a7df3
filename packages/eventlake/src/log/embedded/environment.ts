import { mkdirSync } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RootDatabase } from 'lmdb';
import { open } from 'lmdb';
import { addressSpaceBytes, checkDataFile } from './data-file.js';
import { logError } from './errors.js';
import { openTables, type Tables } from './tables.js';

/** The log's tables in one LMDB environment: a transaction spans them all. */
export interface Environment extends Readonly<Tables> {
  readonly dir: string;
  /** Runs `work` with the write lock of all processes. Check first, then put: what was put before a throw stays. */
  write<T>(work: () => T): Promise<T>;
  /** One put that depends on nothing: the lock is not held until this thread has time for it. */
  put(put: () => Promise<boolean>): Promise<void>;
  /** From here on reads see what has been committed by now, by any process. */
  refresh(): void;
  /** So many bytes have been read and copied: now and then the map is made anew, see MAPPED_BYTES_MAX. */
  hasRead(bytes: number): Promise<void>;
  /** How long the file is, and how much of it nothing uses any more. */
  space(): { fileBytes: number; reusableBytes: number };
  /** Forgets readers that died. */
  checkReaders(): void;
  close(): Promise<void>;
}

/** Address space, not memory and not disk: the file grows as it is written. */
const MAP_BYTES = 2 ** 40;
/**
 * What has been read through the map stays in this process's memory until the kernel needs it elsewhere. Who reads a long
 * log gives it back by mapping anew, so that memory does not grow with the log.
 */
const MAPPED_BYTES_MAX = 32 * 2 ** 20;

export async function openEnvironment(dir: string, mappedBytesMax = MAPPED_BYTES_MAX): Promise<Environment> {
  try {
    mkdirSync(dir, { recursive: true });
    await checkDataFile(dir);
    const root = openRoot(dir);
    await flush(dir);
    return environment(dir, root, mappedBytesMax);
  } catch (error) {
    throw logError(error, dir);
  }
}

function openRoot(dir: string): RootDatabase {
  return open({
    path: dir,
    // Without overlappingSync a transaction is flushed before anybody can see it (mdb_txn_commit syncs data and meta page
    // before it publishes the transaction's id). So visible is durable, for readers in every process, and an offset that
    // somebody read is never given out again after a power loss.
    overlappingSync: false,
    // With eventTurnBatching a commit that fails rejects a promise that nobody can handle, which ends the process.
    eventTurnBatching: false,
    // Where a limit forbids so large a map, LMDB begins with a small one and maps anew as the file grows.
    ...(addressSpaceBytes() > 2 * MAP_BYTES && { mapSize: MAP_BYTES }),
    maxDbs: 8,
    maxReaders: 1024,
  });
}

/**
 * A process that was killed between writing and flushing leaves pages that only the operating system has; and a file that
 * was just made is lost with a power loss unless its folder is flushed.
 */
async function flush(dir: string): Promise<void> {
  const file = await openFile(join(dir, 'data.mdb'), 'r+');
  await file.datasync().finally(() => file.close());
  if (process.platform === 'win32') return;
  const folder = await openFile(dir, 'r');
  await folder.sync().finally(() => folder.close());
}

function environment(dir: string, first: RootDatabase, mappedBytesMax: number): Environment {
  let root: RootDatabase | undefined = first;
  let tables = openTables(first, dir);
  let bytesRead = 0;
  let writing = 0;
  let closing: Promise<void> | undefined;
  countHandle(dir, 1);

  async function whileWriting<T>(commit: () => Promise<T>): Promise<T> {
    writing += 1;
    try {
      if (closing) await closing;
      return await durable(commit(), dir);
    } finally {
      writing -= 1;
    }
  }

  function current(): RootDatabase {
    if (root) return root;
    try {
      root = openRoot(dir);
      tables = openTables(root, dir);
    } catch (error) {
      throw logError(error, dir);
    }
    return root;
  }

  /**
   * Only where nothing of the map is in use: reads copy before they return, no transaction is on its way, and no other handle
   * of this process shares it. A transaction that comes meanwhile waits.
   */
  async function mapAnew(): Promise<void> {
    if (closing || writing > 0 || handles.get(dir) !== 1 || !root) return;
    bytesRead = 0;
    const mapped = root;
    root = undefined;
    closing = mapped.close();
    try {
      await closing;
    } finally {
      closing = undefined;
    }
  }

  return {
    dir,
    get topics() {
      return tables.topics;
    },
    get ends() {
      return tables.ends;
    },
    get blocks() {
      return tables.blocks;
    },
    get positions() {
      return tables.positions;
    },
    get sources() {
      return tables.sources;
    },
    get meta() {
      return tables.meta;
    },
    write: (work) => whileWriting(() => current().transaction(work)),
    put: async (put) => void (await whileWriting(put)),
    space: () => spaceOf(current(), Object.values(tables)),
    refresh: () => current().resetReadTxn(),
    async hasRead(bytes) {
      bytesRead += bytes;
      if (bytesRead > mappedBytesMax) await mapAnew();
    },
    checkReaders: () => void current().readerCheck(),
    async close() {
      countHandle(dir, -1);
      await closing;
      await root?.close();
    },
  };
}

/** How many environments of this process are open on each folder: they share one map. */
const handles = new Map<string, number>();

function countHandle(dir: string, change: 1 | -1): void {
  handles.set(dir, (handles.get(dir) ?? 0) + change);
}

interface TableStats {
  pageSize: number;
  treeBranchPageCount: number;
  treeLeafPageCount: number;
  overflowPages: number;
}

function spaceOf(
  root: RootDatabase,
  tables: readonly { getStats(): object }[],
): { fileBytes: number; reusableBytes: number } {
  const { lastPageNumber, free, ...main } = root.getStats() as TableStats & {
    lastPageNumber: number;
    free: TableStats;
  };
  const used = [main, free, ...tables.map((table) => table.getStats() as TableStats)];
  const usedPages = used.reduce(
    (sum, stats) => sum + stats.treeBranchPageCount + stats.treeLeafPageCount + stats.overflowPages,
    0,
  );
  const pages = lastPageNumber + 1;
  // Pages 0 and 1 tell where all the others are.
  return { fileBytes: pages * main.pageSize, reusableBytes: (pages - 2 - usedPages) * main.pageSize };
}

async function durable<T>(commit: Promise<T>, dir: string): Promise<T> {
  try {
    return await commit;
  } catch (error) {
    throw logError(await commitError(error), dir);
  }
}

/** lmdb rejects with a general error that carries a promise of the reason. */
async function commitError(error: unknown): Promise<unknown> {
  const reason = (error as { commitError?: Promise<unknown> }).commitError;
  return reason ? await reason.catch((cause: unknown) => cause) : error;
}

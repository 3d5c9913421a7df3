import { mkdirSync } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database, RootDatabase } from 'lmdb';
import { open } from 'lmdb';
import { EventlakeError } from '../../errors.js';
import { addressSpaceBytes, checkDataFile } from './data-file.js';
import { logError } from './errors.js';

/** A topic as it is stored, by name. */
export interface TopicRecord {
  topicId: string;
  /** Prefix of its keys. Never given twice, so that what remains of a deleted topic is nobody's. */
  number: number;
  partitions: number;
  retentionHours?: number;
  retentionBytesMax?: number;
}

/** The log's tables in one LMDB environment: a transaction spans them all. */
export interface Environment {
  readonly dir: string;
  topics: Database<TopicRecord, string>;
  /** By topic number: see ends.ts. */
  ends: Database<Buffer, number>;
  /** By topic number, partition, offset of the first record: see keys.ts and block.ts. */
  blocks: Database<Buffer, Buffer>;
  /** By topic number and consumer. */
  positions: Database<number[], [number, string]>;
  /** By topic number and source. */
  sources: Database<number, [number, string]>;
  meta: Database<number, string | [string, number]>;
  /** Runs `work` with the write lock of all processes. Check first, then put: what was put before a throw stays. */
  write<T>(work: () => T): Promise<T>;
  /** One put that depends on nothing: the lock is not held until this thread has time for it. */
  put(put: () => Promise<boolean>): Promise<void>;
  /** From here on reads see what has been committed by now, by any process. */
  refresh(): void;
  /** How long the file is, and how much of it nothing uses any more. */
  space(): { fileBytes: number; reusableBytes: number };
  /** Forgets readers that died. */
  checkReaders(): void;
  close(): Promise<void>;
}

/** Address space, not memory and not disk: the file grows as it is written. */
const MAP_BYTES = 2 ** 40;
const FORMAT = 1;

export async function openEnvironment(dir: string): Promise<Environment> {
  try {
    mkdirSync(dir, { recursive: true });
    await checkDataFile(dir);
    const root = openRoot(dir);
    await flush(dir);
    return environment(dir, root);
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

function environment(dir: string, root: RootDatabase): Environment {
  const meta = root.openDB<number, string | [string, number]>('meta', { encoding: 'json' });
  const format = meta.get('format');
  if (format !== undefined && format !== FORMAT) {
    throw new EventlakeError(
      'invalid',
      `The log has format ${format}; this version of eventlake knows ${FORMAT}`,
      { file: dir },
      'Use the version of eventlake that made it.',
    );
  }
  const tables = {
    meta,
    topics: root.openDB<TopicRecord, string>('topics', { encoding: 'json' }),
    ends: root.openDB<Buffer, number>('ends', { encoding: 'binary' }),
    blocks: root.openDB<Buffer, Buffer>('blocks', { encoding: 'binary', keyEncoding: 'binary' }),
    positions: root.openDB<number[], [number, string]>('positions', { encoding: 'json' }),
    sources: root.openDB<number, [number, string]>('sources', { encoding: 'json' }),
  };
  return {
    dir,
    ...tables,
    write: (work) => durable(root.transaction(work), dir),
    put: async (put) => void (await durable(put(), dir)),
    space: () => spaceOf(root, Object.values(tables)),
    refresh: () => root.resetReadTxn(),
    checkReaders: () => void root.readerCheck(),
    close: () => root.close(),
  };
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

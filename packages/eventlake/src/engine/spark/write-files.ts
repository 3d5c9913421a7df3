import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { dirname, relative } from 'node:path/posix';
import { type AddFile, encodeDataPath, type Snapshot, type Store, type StoreEntry } from '@eventlake/delta';
import { EventlakeError } from '../../errors.js';
import type { ConnectSession, Relation } from './connect/session.js';
import { hadoopPath } from './location.js';
import { footerOf } from './parquet-stats.js';
import { selectRelation } from './relations.js';
import { quoteName, sparkTypeOf } from './sql-text.js';

/** Files that no commit names yet. */
export interface WrittenFiles {
  add: AddFile[];
  rows: number;
  bytes: number;
  /** In the store. */
  paths: string[];
}

export interface WriteTarget {
  store: Store;
  /** The table's path in the store. */
  path: string;
  snapshot: Snapshot;
  /** All rows have these; then they are not in the relation. */
  partitionValues?: AddFile['partitionValues'];
}

/** So many footers are read at once. */
const FOOTERS_AT_ONCE = 16;

/**
 * Spark computes the relation and writes its rows as Parquet files into a new folder of the table; here they get the
 * statistics of their footers. Its columns are taken by name and cast to the table's. A crash leaves a folder that nobody
 * knows, for vacuum.
 */
export async function writeFiles(
  session: ConnectSession,
  target: WriteTarget,
  input: Relation,
): Promise<WrittenFiles> {
  const { store, path: table, snapshot, partitionValues } = target;
  const { schema, partitionColumns } = snapshot;
  const data = schema.fields.filter(({ name }) => !partitionColumns.includes(name));
  const written = partitionValues === undefined ? schema.fields : data;
  const columns = written.map(
    ({ name, type }) => `CAST(${quoteName(name)} AS ${sparkTypeOf(type)}) AS ${quoteName(name)}`,
  );
  const folder = `${table}/spark-${randomBytes(8).toString('hex')}`;
  try {
    await session.run({
      commandType: {
        case: 'writeOperation',
        value: {
          input: selectRelation(input, columns),
          source: 'parquet',
          saveType: { case: 'path', value: hadoopPath(store, folder) },
          mode: ERROR_IF_EXISTS,
          partitioningColumns: partitionValues === undefined ? [...partitionColumns] : [],
          options: OPTIONS,
        },
      },
    });
  } catch (error) {
    await removeFiles(
      store,
      (await listAll(store, folder)).map(({ path }) => path),
    ).catch(() => undefined);
    throw error;
  }
  const entries = await listAll(store, folder);
  const files = entries.filter(({ path }) => path.endsWith('.parquet') && !/\/[._][^/]*$/.test(path));
  // Spark writes at least one file, be it without rows.
  if (files.length === 0) throw notShared(store, table);
  const footers = await inGroups(files, FOOTERS_AT_ONCE, (file) =>
    footerOf(store, { path: file.path, size: file.sizeBytes }, data),
  );
  const full = files.map((file, i) => ({ ...file, ...footers[i]! })).filter(({ rows }) => rows > 0);
  const kept = new Set(full.map(({ path }) => path));
  await removeFiles(
    store,
    entries.map(({ path }) => path).filter((path) => !kept.has(path)),
  );
  await flush(store, table, [...kept]);
  return {
    add: full.map(({ path, sizeBytes, modifiedMs, stats }) => ({
      path: encodeDataPath(relative(table, path)),
      partitionValues: partitionValues ?? partitionValuesOf(relative(folder, path), partitionColumns),
      size: sizeBytes,
      modificationTime: modifiedMs,
      dataChange: true,
      stats,
    })),
    rows: full.reduce((sum, { rows }) => sum + rows, 0),
    bytes: full.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    paths: [...kept],
  };
}

export async function removeFiles(store: Store, paths: readonly string[]): Promise<void> {
  await inGroups(paths, FOOTERS_AT_ONCE, (path) => store.delete(path));
}

const ERROR_IF_EXISTS = 3;
const OPTIONS = {
  compression: 'zstd',
  'mapreduce.fileoutputcommitter.marksuccessfuljobs': 'false',
};

async function listAll(store: Store, folder: string): Promise<StoreEntry[]> {
  const entries: StoreEntry[] = [];
  for await (const entry of store.list(`${folder}/`)) entries.push(entry);
  return entries;
}

/** `day=2025-01-01/shop=x y%2Fz/part-….parquet`, as Hive escapes it. */
function partitionValuesOf(path: string, columns: readonly string[]): AddFile['partitionValues'] {
  const values = new Map(
    path
      .split('/')
      .slice(0, -1)
      .map((part) => {
        const at = part.indexOf('=');
        return [unescapeHive(part.slice(0, at)), unescapeHive(part.slice(at + 1))] as const;
      }),
  );
  return Object.fromEntries(
    columns.map((name) => {
      const value = values.get(name);
      return [name, value === undefined || value === HIVE_NULL ? null : value];
    }),
  );
}

const HIVE_NULL = '__HIVE_DEFAULT_PARTITION__';

/** Only ASCII characters are escaped, so that bytes are characters. */
function unescapeHive(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

async function inGroups<In, Out>(items: readonly In[], size: number, run: (item: In) => Promise<Out>) {
  const results: Out[] = [];
  for (let i = 0; i < items.length; i += size) {
    results.push(...(await Promise.all(items.slice(i, i + size).map(run))));
  }
  return results;
}

/** On a folder of this machine, a commit must never name a file that a power loss would take. */
async function flush(store: Store, table: string, paths: readonly string[]): Promise<void> {
  if (!store.localPath) return;
  const folders = new Set<string>();
  for (const path of paths) {
    for (let above = dirname(path); above.length >= table.length; above = dirname(above)) folders.add(above);
  }
  for (const path of [...paths, ...folders]) {
    const file = await open(store.localPath(path), 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

function notShared(store: Store, table: string): EventlakeError {
  return new EventlakeError(
    'unavailable',
    `Spark has written files of ${table}, but they are not where this process looks: ${store.url}`,
    { table: table.replaceAll('/', '.'), url: store.url },
    'Server and executors need the same store: a shared folder under the same path, or s3://.',
  );
}

import { randomBytes } from 'node:crypto';
import { relative } from 'node:path/posix';
import {
  type AddFile,
  encodeDataPath,
  type Snapshot,
  type Store,
  type StoreEntry,
  type StructField,
} from '@eventlake/delta';
import { EventlakeError } from '../../errors.js';
import { flushFiles } from '../delta/flush-files.js';
import type { WrittenFiles } from '../delta/pending-files.js';
import type { WriteTarget } from '../delta/prepared-writes.js';
import { castSql } from '../delta/sql.js';
import { mapAtMost } from '../map-at-most.js';
import type { ConnectSession, Relation } from './connect/session.js';
import { hadoopPath } from './location.js';
import { footerOf } from './parquet-stats.js';
import { selectRelation } from './relations.js';
import { sparkSql } from './sql-text.js';

/** What is written where by Spark. */
export interface SparkWrite extends WriteTarget {
  input: Relation;
  /** All rows have these; then they are not in the relation. */
  partitionValues?: AddFile['partitionValues'];
}

/** So many footers are read, and files removed, at once. */
const FOOTERS_AT_ONCE = 16;
const DELETES_AT_ONCE = 16;

/**
 * Spark computes the relation and writes its rows as Parquet files into a new folder of the table; here they get the
 * statistics of their footers. Its columns are taken by name and cast to the table's. A crash leaves a folder that nobody
 * knows, for vacuum.
 */
export async function writeFiles(
  session: ConnectSession,
  store: Store,
  write: SparkWrite,
): Promise<WrittenFiles> {
  const folder = `${write.path}/spark-${randomBytes(8).toString('hex')}`;
  try {
    await runWrite(session, hadoopPath(store, folder), write);
    return await filesOf(store, folder, write);
  } catch (error) {
    const begun = listAll(store, folder).then((entries) => removeFiles(store, entries));
    await begun.catch(() => undefined);
    throw error;
  }
}

async function runWrite(
  session: ConnectSession,
  path: string,
  { snapshot, missing, input, partitionValues }: SparkWrite,
): Promise<void> {
  const fields = partitionValues === undefined ? snapshot.schema.fields : dataFields(snapshot);
  await session.run({
    commandType: {
      case: 'writeOperation',
      value: {
        input: selectRelation(input, castSql(sparkSql, fields, missing)),
        source: 'parquet',
        saveType: { case: 'path', value: path },
        mode: ERROR_IF_EXISTS,
        partitioningColumns: partitionValues === undefined ? [...snapshot.partitionColumns] : [],
        options: OPTIONS,
      },
    },
  });
}

const ERROR_IF_EXISTS = 3;
const OPTIONS = {
  compression: 'zstd',
  'mapreduce.fileoutputcommitter.marksuccessfuljobs': 'false',
};

function dataFields({ schema, partitionColumns }: Snapshot): StructField[] {
  return schema.fields.filter(({ name }) => !partitionColumns.includes(name));
}

async function filesOf(
  store: Store,
  folder: string,
  { path: table, snapshot, partitionValues }: SparkWrite,
): Promise<WrittenFiles> {
  const entries = await listAll(store, folder);
  const files = entries.filter(({ path }) => path.endsWith('.parquet') && !/\/[._][^/]*$/.test(path));
  // Spark writes at least one file, be it without rows.
  if (files.length === 0) throw notShared(store, table);
  const footers = await mapAtMost(FOOTERS_AT_ONCE, files, (file) =>
    footerOf(store, { path: file.path, size: file.sizeBytes }, dataFields(snapshot)),
  );
  const full = files.map((file, i) => ({ ...file, ...footers[i]! })).filter(({ rows }) => rows > 0);
  const kept = new Set(full.map(({ path }) => path));
  await removeFiles(
    store,
    entries.filter(({ path }) => !kept.has(path)),
  );
  // A store without local paths is durable by itself.
  if (store.localPath) {
    const localPath = (path: string) => store.localPath!(path);
    await flushFiles(localPath(table), [...kept].map(localPath));
  }
  const { partitionColumns } = snapshot;
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
  };
}

async function removeFiles(store: Store, files: readonly { path: string }[]): Promise<void> {
  await mapAtMost(DELETES_AT_ONCE, files, ({ path }) => store.delete(path));
}

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

function notShared(store: Store, table: string): EventlakeError {
  return new EventlakeError(
    'unavailable',
    `Spark has written files of ${table}, but they are not where this process looks: ${store.url}`,
    { table: table.replaceAll('/', '.'), url: store.url },
    'Server and executors need the same store: a shared folder under the same path, or s3://.',
  );
}

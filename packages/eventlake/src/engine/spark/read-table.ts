import { type AddFile, dataFilePath, type Predicate, type Snapshot, type Store } from '@eventlake/delta';
import { EventlakeError } from '../../errors.js';
import type { Relation } from './connect/session.js';
import { hadoopPath } from './location.js';
import { emptyRelation, filterRelation, readRelation, selectRelation, unionRelation } from './relations.js';
import { predicateSql, quoteName, quoteText, sparkTypeOf } from './sql-text.js';

/** Beyond these, Spark finds the files by itself. */
export interface ReadLimits {
  filesMax: number;
  partitionsMax: number;
}

export const READ_LIMITS: ReadLimits = { filesMax: 1000, partitionsMax: 16 };

export interface TableRead {
  store: Store;
  /** The table's path in the store. */
  path: string;
  snapshot: Snapshot;
  where?: Predicate | undefined;
  columns?: readonly string[] | undefined;
}

/**
 * The rows of a version. The log is read here already, so that Spark is told the few files that it needs: it takes seconds to
 * find out by itself, anew for each version. Where they are many, it reads the Delta table.
 */
export function tableRelation(read: TableRead, limits: ReadLimits): Relation {
  const { snapshot, where, columns } = read;
  const { fields } = snapshot.schema;
  for (const name of columns ?? []) {
    if (!fields.some((field) => field.name === name)) {
      throw new EventlakeError('invalid', `${read.path} has no column ${name}`, { table: read.path });
    }
  }
  const files = snapshot.files(where);
  const groups = groupByPartition(files);
  const isPlain = (snapshot.metadata.configuration['delta.columnMapping.mode'] ?? 'none') === 'none';
  const isSmall = files.length <= limits.filesMax && groups.length <= limits.partitionsMax;
  const rows =
    isPlain && isSmall && !files.some(({ deletionVector }) => deletionVector)
      ? filesRelation(read, groups)
      : deltaRelation(read);
  const filtered = where ? filterRelation(rows, predicateSql(fields, where)) : rows;
  return selectRelation(filtered, (columns ?? fields.map(({ name }) => name)).map(quoteName));
}

/** Rows of data files, without the partition columns, which files do not hold. */
export function parquetRelation({ store, path, snapshot }: TableRead, files: readonly AddFile[]): Relation {
  const data = snapshot.schema.fields.filter(({ name }) => !snapshot.partitionColumns.includes(name));
  return readRelation({
    format: 'parquet',
    paths: files.map((file) => hadoopPath(store, dataFilePath(store.url, path, file.path))),
    // A column that a file does not have is null there.
    schema: data.map(({ name, type }) => `${quoteName(name)} ${sparkTypeOf(type)}`).join(', '),
    // Paths are paths, whatever brackets and stars they hold.
    options: { __globPaths__: 'false' },
  });
}

function deltaRelation({ store, path, snapshot }: TableRead): Relation {
  return readRelation({
    format: 'delta',
    paths: [hadoopPath(store, path)],
    options: { versionAsOf: String(snapshot.version) },
  });
}

function filesRelation(read: TableRead, groups: readonly AddFile[][]): Relation {
  const { fields } = read.snapshot.schema;
  if (groups.length === 0) {
    return emptyRelation(
      fields.map(({ name, type }) => `${quoteName(name)} ${sparkTypeOf(type)}`).join(', '),
    );
  }
  return groups.map((files) => groupRelation(read, files)).reduce(unionRelation);
}

/** The rows of files with the same partition values, which are the log's and not the paths'. */
function groupRelation(read: TableRead, files: readonly AddFile[]): Relation {
  const { schema, partitionColumns } = read.snapshot;
  const columns = schema.fields.map(({ name, type }) => {
    if (!partitionColumns.includes(name)) return quoteName(name);
    // The section "Partition Value Serialization": the empty text is null too.
    const value = files[0]!.partitionValues[name] || null;
    return `CAST(${value === null ? 'NULL' : quoteText(value)} AS ${sparkTypeOf(type)}) AS ${quoteName(name)}`;
  });
  return selectRelation(parquetRelation(read, files), columns);
}

function groupByPartition(files: readonly AddFile[]): AddFile[][] {
  const groups = new Map<string, AddFile[]>();
  for (const file of files) {
    const key = JSON.stringify(Object.entries(file.partitionValues).sort());
    const group = groups.get(key);
    if (group) group.push(file);
    else groups.set(key, [file]);
  }
  return [...groups.values()];
}

import { type AddFile, dataFilePath, filesByPartition, type Store } from '@eventlake/delta';
import { partitionValueSql, type TableRead, wantedFields, whereSql } from '../delta/sql.js';
import type { TableVersion } from '../delta/tables.js';
import type { Relation } from './connect/session.js';
import { hadoopPath } from './location.js';
import { emptyRelation, filterRelation, readRelation, selectRelation, unionRelation } from './relations.js';
import { quoteName, sparkSql, sparkTypeOf } from './sql-text.js';

/** Beyond these, Spark finds the files by itself. */
export interface ReadLimits {
  filesMax: number;
  partitionsMax: number;
}

export const READ_LIMITS: ReadLimits = { filesMax: 1000, partitionsMax: 16 };

/**
 * The rows of a version. The log is read here already, so that Spark is told the few files that it needs: it takes seconds to
 * find out by itself, anew for each version. Where they are many, it reads the Delta table.
 */
export function tableRelation(store: Store, read: TableRead, limits: ReadLimits): Relation {
  const { snapshot, where } = read;
  const columns = wantedFields(read).map(({ name }) => quoteName(name));
  const files = snapshot.files(where);
  const groups = filesByPartition(files);
  const isPlain = (snapshot.metadata.configuration['delta.columnMapping.mode'] ?? 'none') === 'none';
  const isSmall = files.length <= limits.filesMax && groups.length <= limits.partitionsMax;
  const rows =
    isPlain && isSmall && !files.some(({ deletionVector }) => deletionVector)
      ? filesRelation(store, read, groups)
      : deltaRelation(store, read);
  return selectRelation(where ? filterRelation(rows, whereSql(sparkSql, read)) : rows, columns);
}

/** Rows of data files, without the partition columns, which files do not hold. */
export function parquetRelation(
  store: Store,
  { path, snapshot }: TableVersion,
  files: readonly AddFile[],
): Relation {
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

function deltaRelation(store: Store, { path, snapshot }: TableVersion): Relation {
  return readRelation({
    format: 'delta',
    paths: [hadoopPath(store, path)],
    options: { versionAsOf: String(snapshot.version) },
  });
}

function filesRelation(store: Store, table: TableVersion, groups: readonly AddFile[][]): Relation {
  const { fields } = table.snapshot.schema;
  if (groups.length === 0) {
    return emptyRelation(
      fields.map(({ name, type }) => `${quoteName(name)} ${sparkTypeOf(type)}`).join(', '),
    );
  }
  return groups.map((files) => groupRelation(store, table, files)).reduce(unionRelation);
}

/** The rows of files with the same partition values, which are the log's and not the paths'. */
function groupRelation(store: Store, table: TableVersion, files: readonly AddFile[]): Relation {
  const { schema, partitionColumns } = table.snapshot;
  const columns = schema.fields.map(({ name, type }) => {
    if (!partitionColumns.includes(name)) return quoteName(name);
    return `${partitionValueSql(sparkSql, files[0]!.partitionValues[name], type)} AS ${quoteName(name)}`;
  });
  return selectRelation(parquetRelation(store, table, files), columns);
}

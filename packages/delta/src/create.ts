import { randomUUID } from 'node:crypto';
import type { Action, Metadata } from './actions.js';
import type { Table, TableInit } from './contract.js';
import { DeltaError } from './errors.js';
import { serializeActions } from './log/commit-file.js';
import { checkWritable, protocolFor, withoutFeatureRequests } from './log/features.js';
import { commitPath } from './log/names.js';
import { isOn } from './properties.js';
import type { StructType } from './schema.js';
import { parseSchema } from './schema-json.js';
import type { Store } from './store.js';
import { openTable, type TableOptions } from './table.js';

/**
 * Makes an empty table: version 0 with protocol and metadata. Of several processes that do so, one wins.
 * @throws DeltaError of kind `already-exists` where there is one, unless `ifNotExists`: then that one is opened,
 * whatever its schema.
 */
export async function createTable(
  store: Store,
  path: string,
  init: TableInit,
  options: TableOptions & { ifNotExists?: boolean } = {},
): Promise<Table> {
  if (options.ifNotExists && (await isTable(store, path))) return openTable(store, path, options);
  const nowMs = (options.nowMs ?? Date.now)();
  const actions = firstActions(init, path, nowMs, options.engineInfo);
  const made =
    !(await isTable(store, path)) &&
    (await store.putIfAbsent(commitPath(path, 0), serializeActions(actions)));
  if (!made && !options.ifNotExists) {
    throw new DeltaError(
      'already-exists',
      `There is a table at ${path || 'the root'} already`,
      { table: path },
      'Open it with openTable, or create with ifNotExists.',
    );
  }
  return openTable(store, path, options);
}

/** The actions of version 0. Pure but for the table's random id. */
function firstActions(init: TableInit, table: string, nowMs: number, engineInfo?: string): Action[] {
  const requested = init.properties ?? {};
  const configuration = withoutFeatureRequests(requested);
  const partitionColumns = [...(init.partitionBy ?? [])];
  checkColumns(init.schema, partitionColumns, table);
  const metadata: Metadata = {
    id: randomUUID(),
    ...(init.name !== undefined && { name: init.name }),
    ...(init.description !== undefined && { description: init.description }),
    format: { provider: 'parquet', options: {} },
    schemaString: JSON.stringify(init.schema),
    partitionColumns,
    configuration,
    createdTime: nowMs,
  };
  parseSchema(metadata.schemaString, { table });
  const protocol = protocolFor(init.schema, requested);
  checkWritable(protocol, metadata, table);
  return [
    {
      commitInfo: {
        ...(isOn(configuration, 'delta.enableInCommitTimestamps') && { inCommitTimestamp: nowMs }),
        timestamp: nowMs,
        operation: 'CREATE TABLE',
        operationParameters: {
          partitionBy: JSON.stringify(partitionColumns),
          properties: JSON.stringify(configuration),
        },
        isBlindAppend: true,
        isolationLevel: 'Serializable',
        engineInfo: engineInfo ?? '@eventlake/delta/0.1.0',
        txnId: randomUUID(),
      },
    },
    { protocol },
    { metaData: metadata },
  ];
}

function checkColumns(schema: StructType, partitionColumns: readonly string[], table: string): void {
  const names = new Set<string>();
  for (const { name } of schema.fields) {
    const lower = name.toLowerCase();
    if (names.has(lower))
      throw invalid(`The column ${name} is there twice; case does not tell columns apart`, table);
    names.add(lower);
    // Parquet readers of other engines stumble over these where columns are not mapped.
    if (/[ ,;{}()\n\t=]/.test(name))
      throw invalid(`The column name ${JSON.stringify(name)} has one of " ,;{}()\\n\\t="`, table);
  }
  for (const column of partitionColumns) {
    const field = schema.fields.find(({ name }) => name === column);
    if (!field) throw invalid(`The partition column ${column} is not in the schema`, table);
    if (typeof field.type !== 'string')
      throw invalid(`The partition column ${column} is not of a simple type`, table);
  }
  if (partitionColumns.length === schema.fields.length && schema.fields.length > 0) {
    throw invalid('Every column is a partition column; the files would have none', table);
  }
}

/** Also where the first versions have been cleaned away. */
async function isTable(store: Store, path: string): Promise<boolean> {
  for await (const _ of store.list(`${path === '' ? '' : `${path}/`}_delta_log/0`)) return true;
  return false;
}

function invalid(message: string, table: string): DeltaError {
  return new DeltaError('invalid', message, { table });
}

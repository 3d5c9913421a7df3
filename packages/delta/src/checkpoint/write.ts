import { setImmediate } from 'node:timers/promises';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { Action } from '../actions.js';
import { checkpointPath } from '../log/names.js';
import type { LogState } from '../log/replay.js';
import { durationMs, RETENTION_DEFAULTS } from '../properties.js';
import type { Store } from '../store.js';
import { parquetSchemaOf } from './parquet-schema.js';
import { parquetValue } from './parquet-value.js';
import { readLastCheckpoint, writeLastCheckpoint } from './pointer.js';
import { checkpointSchemaOf } from './stats-parsed.js';

/** Rows that are encoded at a time: what the process's other work waits for, and what is in memory twice. */
const ROW_GROUP_ROWS = 10_000;

/**
 * Writes a classic checkpoint of a complete state, then points to it. A reader sees all of the file or none, and the
 * pointer never goes back to an older one (sections "Checkpoints" and "Last Checkpoint File").
 */
export async function writeCheckpoint(
  store: Store,
  table: string,
  state: LogState,
  nowMs: number,
): Promise<{ version: number }> {
  const { version } = state;
  const { bytes, rowCount } = await encodeCheckpoint(state, nowMs);
  await store.put(checkpointPath(table, version), bytes);
  const pointer = await readLastCheckpoint(store, table);
  if (pointer === null || pointer.version < version) {
    await writeLastCheckpoint(store, table, {
      version,
      size: rowCount,
      sizeInBytes: bytes.byteLength,
      numOfAddFiles: state.files.size,
    });
  }
  return { version };
}

/** What has to be in a checkpoint of the state; expired tombstones and positions need not. Pure; no I/O. */
export function* checkpointActions(state: LogState, nowMs: number): Generator<Action> {
  const properties = state.metadata.configuration;
  const filesMs = durationMs(properties, 'delta.deletedFileRetentionDuration', RETENTION_DEFAULTS.filesMs);
  // Somebody's position never expires by itself: only where the table's owner says so.
  const positionsMs = durationMs(
    properties,
    'delta.setTransactionRetentionDuration',
    Number.POSITIVE_INFINITY,
  );
  yield { protocol: state.protocol };
  yield { metaData: state.metadata };
  for (const txn of state.txns.values()) {
    if ((txn.lastUpdated ?? nowMs) >= nowMs - positionsMs) yield { txn };
  }
  for (const domainMetadata of state.domains.values()) yield { domainMetadata };
  for (const remove of state.tombstones.values()) {
    if ((remove.deletionTimestamp ?? 0) > nowMs - filesMs) yield { remove };
  }
  for (const add of state.files.values()) yield { add };
}

/** As Parquet, some rows at a time, letting the process breathe in between. */
export async function encodeCheckpoint(
  state: LogState,
  nowMs: number,
): Promise<{ bytes: Uint8Array; rowCount: number }> {
  const { schema, prepare } = checkpointSchemaOf(state.metadata);
  const columns = schema.fields.map(({ name, type }) => ({ name, value: parquetValue(type) }));
  const writer = new ByteWriter();
  const parquet = new ParquetWriter({ writer, schema: parquetSchemaOf(schema), statistics: false });
  let rowCount = 0;
  for (const group of grouped(checkpointActions(state, nowMs), ROW_GROUP_ROWS)) {
    const rows: Record<string, unknown>[] = group.map(prepare);
    const columnData = columns.map(({ name, value }) => ({
      name,
      data: rows.map((row) => value(row[name])),
    }));
    parquet.write({ columnData, rowGroupSize: group.length });
    rowCount += group.length;
    await setImmediate();
  }
  parquet.finish();
  return { bytes: writer.getBytes(), rowCount };
}

function* grouped<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let group: T[] = [];
  for (const item of items) {
    group.push(item);
    if (group.length === size) {
      yield group;
      group = [];
    }
  }
  if (group.length > 0) yield group;
}

import { setImmediate } from 'node:timers/promises';
import type { Action } from '../actions.js';
import { checkpointPath } from '../log/names.js';
import type { LogState } from '../log/replay.js';
import { durationMs, RETENTION_DEFAULTS } from '../properties.js';
import type { Store } from '../store.js';
import { ParquetFileWriter } from './parquet-file.js';
import { readLastCheckpoint, writeLastCheckpoint } from './pointer.js';
import { RowShredder } from './shred.js';
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
  const file = new ParquetFileWriter(schema);
  const shredder = new RowShredder(schema);
  let rows = 0;
  for (const action of checkpointActions(state, nowMs)) {
    shredder.add(prepare(action));
    if (++rows % ROW_GROUP_ROWS !== 0) continue;
    file.writeRowGroup(shredder.take());
    await setImmediate();
  }
  if (rows % ROW_GROUP_ROWS !== 0) file.writeRowGroup(shredder.take());
  return { bytes: file.finish(), rowCount: rows };
}

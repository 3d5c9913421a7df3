import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Action } from '../actions.js';
import { checkpointPath, checkpointV2Path } from '../log/names.js';
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
 * Writes a checkpoint of a complete state, then points to it: a classic one, or by the V2 spec in one file where the
 * table says `delta.checkpointPolicy`. A reader sees all of the file or none, and the
 * pointer never goes back to an older one (sections "Checkpoints" and "Last Checkpoint File").
 */
export async function writeCheckpoint(
  store: Store,
  table: string,
  state: LogState,
  nowMs: number,
): Promise<{ version: number }> {
  const { version } = state;
  const isV2 = state.metadata.configuration['delta.checkpointPolicy'] === 'v2';
  const { bytes, rowCount } = await encodeCheckpoint(state, nowMs, isV2 ? 'v2' : 'v1');
  await store.put(
    isV2 ? checkpointV2Path(table, version, randomUUID()) : checkpointPath(table, version),
    bytes,
  );
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
  spec: 'v1' | 'v2' = 'v1',
): Promise<{ bytes: Uint8Array; rowCount: number }> {
  const { schema, prepare } = checkpointSchemaOf(state.metadata, spec);
  const file = new ParquetFileWriter(schema);
  const shredder = new RowShredder(schema);
  let rows = 0;
  if (spec === 'v2') {
    shredder.add({ checkpointMetadata: { version: state.version } });
    rows++;
  }
  for (const action of checkpointActions(state, nowMs)) {
    shredder.add(prepare(action));
    if (++rows % ROW_GROUP_ROWS !== 0) continue;
    file.writeRowGroup(shredder.take());
    await setImmediate();
  }
  if (rows % ROW_GROUP_ROWS !== 0) file.writeRowGroup(shredder.take());
  return { bytes: file.finish(), rowCount: rows };
}

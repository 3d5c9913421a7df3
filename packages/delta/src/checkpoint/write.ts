import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Action } from '../actions.js';
import { checkpointPath, checkpointV2Path, sidecarPath } from '../log/names.js';
import type { LogState } from '../log/replay.js';
import { durationMs, RETENTION_DEFAULTS } from '../properties.js';
import type { StructType } from '../schema.js';
import type { Store } from '../store.js';
import { ParquetFileWriter } from './parquet-file.js';
import { readLastCheckpoint, writeLastCheckpoint } from './pointer.js';
import { RowShredder } from './shred.js';
import { checkpointSchemaOf } from './stats-parsed.js';

/** Rows that are encoded at a time: what the process's other work waits for, and what is in memory twice. */
const ROW_GROUP_ROWS = 10_000;

/** Files, live or removed, of a sidecar: so a writer never holds more than one of them as bytes. */
const SIDECAR_ACTIONS_MAX = 50_000;

/**
 * Writes a checkpoint of a complete state, then points to it: a classic one, or by the V2 spec where the table says
 * `delta.checkpointPolicy`, then with its files in sidecars where there are many. A reader sees all of it or none, and
 * the pointer never goes back to an older one (sections "Checkpoints", "Sidecar Files" and "Last Checkpoint File").
 */
export async function writeCheckpoint(
  store: Store,
  table: string,
  state: LogState,
  nowMs: number,
  sidecarActionsMax: number = SIDECAR_ACTIONS_MAX,
): Promise<{ version: number }> {
  const { version } = state;
  const isV2 = state.metadata.configuration['delta.checkpointPolicy'] === 'v2';
  const written = isV2
    ? await writeV2(store, table, state, nowMs, sidecarActionsMax)
    : await writeClassic(store, table, state, nowMs);
  const pointer = await readLastCheckpoint(store, table);
  if (pointer === null || pointer.version < version) {
    await writeLastCheckpoint(store, table, { version, ...written, numOfAddFiles: state.files.size });
  }
  return { version };
}

interface Written {
  /** Actions. */
  size: number;
  sizeInBytes: number;
}

async function writeClassic(store: Store, table: string, state: LogState, nowMs: number): Promise<Written> {
  const { schema, prepare } = checkpointSchemaOf(state.metadata, 'v1');
  const { bytes, rowCount } = await encode(schema, mapped(checkpointActions(state, nowMs), prepare));
  await store.put(checkpointPath(table, state.version), bytes);
  return { size: rowCount, sizeInBytes: bytes.byteLength };
}

/** Nobody looks for a sidecar before the file that names it is there, which is written last. */
async function writeV2(
  store: Store,
  table: string,
  state: LogState,
  nowMs: number,
  sidecarActionsMax: number,
): Promise<Written> {
  const { schema, prepare } = checkpointSchemaOf(state.metadata, 'v2');
  const actions = checkpointActions(state, nowMs);
  const written: Written = { size: 0, sizeInBytes: 0 };
  const put = async (path: string, { bytes, rowCount }: Encoded): Promise<void> => {
    await store.put(path, bytes);
    written.size += rowCount;
    written.sizeInBytes += bytes.byteLength;
  };

  const top: object[] = [{ checkpointMetadata: { version: state.version } }];
  if (state.files.size + state.tombstones.size > sidecarActionsMax) {
    const files = onlyFiles(schema);
    const rows = (function* () {
      for (const action of actions) {
        if ('add' in action || 'remove' in action) yield prepare(action);
        else top.push(action);
      }
    })();
    for (let part = await encode(files, rows, sidecarActionsMax); part.rowCount > 0; ) {
      const name = `${randomUUID()}.parquet`;
      await put(sidecarPath(table, name), part);
      top.push({ sidecar: { path: name, sizeInBytes: part.bytes.byteLength, modificationTime: nowMs } });
      part = await encode(files, rows, sidecarActionsMax);
    }
  } else for (const action of actions) top.push(prepare(action));
  await put(checkpointV2Path(table, state.version, randomUUID()), await encode(schema, top.values()));
  return written;
}

/** The columns of a sidecar. */
function onlyFiles(schema: StructType): StructType {
  return { ...schema, fields: schema.fields.filter(({ name }) => name === 'add' || name === 'remove') };
}

/** What has to be in a checkpoint of the state; expired tombstones and positions need not. Pure; no I/O. */
function* checkpointActions(state: LogState, nowMs: number): Generator<Action> {
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

function* mapped<T, U>(items: Iterable<T>, of: (item: T) => U): Generator<U> {
  for (const item of items) yield of(item);
}

interface Encoded {
  bytes: Uint8Array;
  rowCount: number;
}

/** As Parquet, up to so many rows, a row group at a time, letting the process breathe in between. */
async function encode(
  schema: StructType,
  rows: Iterator<object>,
  rowsMax = Number.POSITIVE_INFINITY,
): Promise<Encoded> {
  const file = new ParquetFileWriter(schema);
  const shredder = new RowShredder(schema);
  let rowCount = 0;
  while (rowCount < rowsMax) {
    const { value, done } = rows.next();
    if (done) break;
    shredder.add(value);
    if (++rowCount % ROW_GROUP_ROWS !== 0) continue;
    file.writeRowGroup(shredder.take());
    await setImmediate();
  }
  if (rowCount % ROW_GROUP_ROWS !== 0) file.writeRowGroup(shredder.take());
  return { bytes: file.finish(), rowCount };
}

import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import type { Action } from '../actions.js';
import { DeltaError } from '../errors.js';
import type { CheckpointFiles } from '../log/segment.js';
import { type Store, type StoreEntry, StoreError } from '../store.js';
import { actionOfRow } from './rows.js';

/**
 * The actions of a checkpoint, a row group at a time.
 * @throws DeltaError of kind `corrupt` where a file is not what a checkpoint has to be.
 */
export async function* readCheckpoint(
  store: Store,
  table: string,
  { version, kind, files }: CheckpointFiles,
): AsyncGenerator<Action[]> {
  if (kind === 'v2') {
    throw new DeltaError('unsupported', 'V2 checkpoints cannot be read yet', { table, version });
  }
  for (const file of files) yield* readParquetActions(store, file, { table, version, file: file.path });
}

async function* readParquetActions(
  store: Store,
  entry: StoreEntry,
  where: DeltaError['where'],
): AsyncGenerator<Action[]> {
  const bytes = await store.get(entry.path);
  const file = toArrayBuffer(bytes);
  try {
    const metadata = await parquetMetadataAsync(file);
    let rowStart = 0;
    for (const { num_rows } of metadata.row_groups) {
      const rowEnd = rowStart + Number(num_rows);
      const rows = await parquetReadObjects({ file, metadata, rowStart, rowEnd });
      yield rows.map((row) => actionOfRow(row, where)).filter((action) => action !== null);
      rowStart = rowEnd;
    }
  } catch (cause) {
    if (cause instanceof DeltaError || cause instanceof StoreError) throw cause;
    throw new DeltaError('corrupt', `The checkpoint ${entry.path} cannot be read`, where, undefined, {
      cause,
    });
  }
}

function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}

import type { Action } from '../actions.js';
import { DeltaError } from '../errors.js';
import type { CheckpointFiles } from '../log/segment.js';
import type { Store } from '../store.js';

/** @throws DeltaError of kind `corrupt` where a file is not what a checkpoint has to be. */
export async function readCheckpoint(
  _store: Store,
  table: string,
  checkpoint: CheckpointFiles,
): Promise<Iterable<Action>> {
  throw new DeltaError('unsupported', 'Checkpoints cannot be read yet', {
    table,
    version: checkpoint.version,
  });
}

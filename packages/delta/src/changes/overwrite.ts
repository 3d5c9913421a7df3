import type { AddFile } from '../actions.js';
import type { Change, Predicate, Snapshot } from '../contract.js';
import { DeltaError } from '../errors.js';
import { matcher } from '../prune/prune.js';

/** What the caller knows of its write, for the history and for its position. */
export type WriteDetails = Pick<Change, 'txn' | 'operationMetrics' | 'userMetadata' | 'rowsChecked'>;

/** Everything that the snapshot has goes, the new files come. Conflicts with whatever landed in between. Pure. */
export function overwrite(snapshot: Snapshot, add: readonly AddFile[], details: WriteDetails = {}): Change {
  return {
    ...details,
    operation: 'WRITE',
    operationParameters: { mode: 'Overwrite' },
    readVersion: snapshot.version,
    read: 'all',
    remove: snapshot.files(),
    add,
  };
}

/** Of the files that may hold rows to be replaced: those that hold nothing else, and those that may. */
export interface FilesToReplace {
  whole: AddFile[];
  /** An engine has to write their other rows anew. */
  partial: AddFile[];
}

/** Divides a snapshot's files by a predicate: by partition values exactly, by statistics as far as they tell. Pure. */
export function filesToReplace(snapshot: Snapshot, where: Predicate): FilesToReplace {
  const match = matcher(where, snapshot.schema, snapshot.partitionColumns);
  const found: FilesToReplace = { whole: [], partial: [] };
  for (const file of snapshot.files(where)) (match.all(file) ? found.whole : found.partial).push(file);
  return found;
}

/**
 * The rows for which the predicate is true go, the new files come; all else stays. Pure.
 * @param kept the other rows of `filesToReplace(…).partial`, written anew.
 * @param options.rowsMatch the caller has checked the new rows where the files' statistics cannot show it.
 * @throws DeltaError of kind `invalid` where new rows may lie outside, or where rows to keep have not been written anew.
 */
export function replaceWhere(
  snapshot: Snapshot,
  where: Predicate,
  add: readonly AddFile[],
  kept: readonly AddFile[] = [],
  options: WriteDetails & { rowsMatch?: boolean } = {},
): Change {
  const { rowsMatch = false, ...details } = options;
  const match = matcher(where, snapshot.schema, snapshot.partitionColumns);
  const outside = rowsMatch ? undefined : add.find((file) => !match.all(file));
  if (outside) {
    throw new DeltaError(
      'invalid',
      `The file ${outside.path} may hold rows outside of what is replaced`,
      { file: outside.path },
      'Write only rows that meet the predicate; statistics or partition values have to show it.',
    );
  }
  const { whole, partial } = filesToReplace(snapshot, where);
  if (partial[0] && kept.length === 0) {
    throw new DeltaError(
      'invalid',
      `The file ${partial[0].path} may hold rows that are to stay`,
      { file: partial[0].path },
      'Write its other rows anew and pass the files as `kept`, or replace whole partitions.',
    );
  }
  return {
    ...details,
    operation: 'WRITE',
    operationParameters: { mode: 'Overwrite', predicate: JSON.stringify(where) },
    readVersion: snapshot.version,
    read: where,
    remove: [...whole, ...partial],
    add: [...add, ...kept],
  };
}

import type { Change, Snapshot } from '../contract.js';
import { upgraded } from '../log/features.js';
import { fileKey } from '../log/paths.js';

/**
 * Makes the table what it was at an older version: files, schema, properties. Positions (`txn`) stay, and the protocol
 * keeps what it has learned since. Pure: whoever commits it checks that the older version's files are still there
 * (`Table.restore` does).
 */
export function restoreTo(current: Snapshot, target: Snapshot): Change {
  const now = new Set(current.files().map(fileKey));
  const then = new Set(target.files().map(fileKey));
  const add = target.files().filter((file) => !now.has(fileKey(file)));
  const remove = current.files().filter((file) => !then.has(fileKey(file)));
  const metadata = { ...target.metadata, configuration: restoredProperties(current, target) };
  const isSame = JSON.stringify(metadata) === JSON.stringify(current.metadata);
  const protocol = upgraded(current.protocol, target.schema, metadata.configuration);
  return {
    operation: 'RESTORE',
    operationParameters: { version: target.version },
    operationMetrics: {
      numRestoredFiles: String(add.length),
      numRemovedFiles: String(remove.length),
      restoredFilesSize: String(add.reduce((total, { size }) => total + size, 0)),
    },
    readVersion: current.version,
    read: 'all',
    add: add.map((file) => ({ ...file, dataChange: true })),
    remove,
    // The rows were in the table before, so they were checked then.
    rowsChecked: true,
    ...(!isSame && { metadata }),
    ...(protocol !== current.protocol && { protocol }),
  };
}

/** In-commit timestamps are not taken back: their order must not have a gap. */
function restoredProperties(current: Snapshot, target: Snapshot): Record<string, string> {
  const kept = Object.entries(current.metadata.configuration).filter(([key]) =>
    /inCommitTimestamp/i.test(key),
  );
  return { ...target.metadata.configuration, ...Object.fromEntries(kept) };
}

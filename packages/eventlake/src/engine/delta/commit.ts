import type { Change, CommitResult, Table } from '@eventlake/delta';
import { EventlakeError } from '../../errors.js';
import type { BatchId, WriteMode, WriteResult } from '../engine.js';
import type { PendingFiles } from './pending-files.js';

/** Writers that an overwrite gives way to before it gives up. */
const OVERWRITE_ATTEMPTS = 20;

/** Commits prepared files under the batch's pair. The commit point is `table.commit`. */
export async function commitWrite(
  table: Table,
  pending: PendingFiles,
  batch: BatchId,
  mode: WriteMode,
): Promise<Omit<WriteResult, 'rows'>> {
  const { readVersion } = pending;
  const change = { add: pending.files, txn: { appId: batch.appId, version: batch.version } };
  const result = await pending.commit(table, () =>
    mode === 'append'
      ? // Blind but for the schema: only a commit that changes the table itself is in the way.
        table.commit({ ...change, ...write('Append'), readVersion, read: 'none' })
      : overwrite(table, { ...change, ...write('Overwrite') }),
  );
  switch (result.status) {
    case 'committed':
      return { status: 'committed', version: result.version };
    case 'already-committed':
      return { status: 'skipped', version: result.version };
    case 'conflict':
      throw new EventlakeError(
        'busy',
        `Another writer changed ${table.path}: ${result.reason}`,
        { table: table.path },
        'Nothing was written. Run it again.',
      );
  }
}

async function overwrite(table: Table, change: Change): Promise<CommitResult> {
  for (let attempt = 1; ; attempt++) {
    const snapshot = await table.snapshot();
    const remove = snapshot.files();
    const result = await table.commit({ ...change, remove, readVersion: snapshot.version });
    // The rows come from other tables: what was added meanwhile is replaced as well.
    if (result.status !== 'conflict' || attempt === OVERWRITE_ATTEMPTS) return result;
  }
}

function write(mode: 'Append' | 'Overwrite'): Pick<Change, 'operation' | 'operationParameters'> {
  return { operation: 'WRITE', operationParameters: { mode } };
}

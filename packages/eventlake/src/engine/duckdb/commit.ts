import type { AddFile, Change, Table } from '@eventlake/delta';
import { EventlakeError } from '../../errors.js';
import type { BatchId, WriteMode, WriteResult } from '../engine.js';
import { OVERWRITE_ATTEMPTS } from './limits.js';

/** Lands prepared files under the batch's pair. The commit point is `table.commit`. */
export async function commitWrite(
  table: Table,
  add: readonly AddFile[],
  readVersion: number,
  batch: BatchId,
  mode: WriteMode,
): Promise<Omit<WriteResult, 'rows'>> {
  const txn = { appId: batch.appId, version: batch.version };
  if (mode === 'append') {
    // Blind but for the schema: only a commit that changes the table itself is in the way.
    return outcome(table, await table.commit({ ...write('Append'), add, txn, readVersion, read: 'none' }));
  }
  for (let attempt = 1; ; attempt++) {
    const snapshot = await table.snapshot();
    const result = await table.commit({
      ...write('Overwrite'),
      add,
      remove: snapshot.files(),
      txn,
      readVersion: snapshot.version,
    });
    // The rows come from other tables: what was added meanwhile is replaced as well.
    if (result.status !== 'conflict' || attempt === OVERWRITE_ATTEMPTS) return outcome(table, result);
  }
}

function write(mode: 'Append' | 'Overwrite'): Pick<Change, 'operation' | 'operationParameters'> {
  return { operation: 'WRITE', operationParameters: { mode } };
}

function outcome(table: Table, result: Awaited<ReturnType<Table['commit']>>): Omit<WriteResult, 'rows'> {
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

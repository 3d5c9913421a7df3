import type { AddFile, Change, CommitResult, Table } from '@eventlake/delta';
import { EventlakeError } from '../../errors.js';
import type { BatchId, WriteMode, WriteResult } from '../engine.js';
import { OVERWRITE_ATTEMPTS } from './limits.js';

/** What is to be landed, and whether it has. */
export interface Landing {
  readonly files: { readonly add: readonly AddFile[] };
  readonly readVersion: number;
  /** `unsure`: the store did not answer, so that the table may need the files. Vacuum finds them where it does not. */
  landed: 'no' | 'unsure' | 'yes';
}

/** Lands prepared files under the batch's pair. The commit point is `table.commit`. */
export async function commitWrite(
  table: Table,
  landing: Landing,
  batch: BatchId,
  mode: WriteMode,
): Promise<Omit<WriteResult, 'rows'>> {
  const before = landing.landed;
  landing.landed = 'unsure';
  const result = await commitFiles(table, landing, batch, mode);
  // Where an attempt before this one is unsure, it may be what this one has met.
  landing.landed = result.status === 'committed' ? 'yes' : before;
  return outcome(table, result);
}

async function commitFiles(
  table: Table,
  { files: { add }, readVersion }: Landing,
  batch: BatchId,
  mode: WriteMode,
): Promise<CommitResult> {
  const txn = { appId: batch.appId, version: batch.version };
  if (mode === 'append') {
    // Blind but for the schema: only a commit that changes the table itself is in the way.
    return table.commit({ ...write('Append'), add, txn, readVersion, read: 'none' });
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
    if (result.status !== 'conflict' || attempt === OVERWRITE_ATTEMPTS) return result;
  }
}

function write(mode: 'Append' | 'Overwrite'): Pick<Change, 'operation' | 'operationParameters'> {
  return { operation: 'WRITE', operationParameters: { mode } };
}

function outcome(table: Table, result: CommitResult): Omit<WriteResult, 'rows'> {
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

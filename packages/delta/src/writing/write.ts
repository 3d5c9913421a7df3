import type { Snapshot, Table } from '../contract.js';
import { DeltaError } from '../errors.js';
import { checkWritable } from '../log/features.js';
import type { WriteOptions, WriteResult } from './contract.js';
import type { Operation } from './operations.js';

/** How often a write is computed anew because another writer was faster. */
const attemptsMax = 20;

/**
 * Writes rows until they have landed: what loses against another writer is computed anew from what that one left.
 * @param prepare what is done once, however often the commit is tried
 * @throws DeltaError of kind `contention` where others keep winning, `unsupported` where the table takes no writes of ours
 */
export async function write(
  table: Pick<Table, 'path' | 'snapshot' | 'commit'>,
  options: WriteOptions,
  prepare: (snapshot: Snapshot) => Promise<Operation>,
): Promise<WriteResult> {
  try {
    return await landed(table, options, prepare);
  } catch (error) {
    // What is wrong with a row knows nothing of the table.
    if (error instanceof DeltaError) error.where.table ??= table.path;
    throw error;
  }
}

async function landed(
  table: Pick<Table, 'path' | 'snapshot' | 'commit'>,
  options: WriteOptions,
  prepare: (snapshot: Snapshot) => Promise<Operation>,
): Promise<WriteResult> {
  let snapshot = await table.snapshot();
  // The commit would refuse it as well, with files written for nothing.
  checkWritable(snapshot.protocol, snapshot.metadata, table.path);
  const { txn } = options;
  if (txn && (snapshot.txn(txn.appId) ?? Number.NEGATIVE_INFINITY) >= txn.version)
    return { status: 'already-committed', version: snapshot.version, ...nothing };
  const operation = await prepare(snapshot);
  for (let attempts = 1; ; attempts++) {
    const built = await operation(snapshot);
    if (built === null) return { status: 'nothing-to-do', version: snapshot.version, ...nothing };
    const result = await table.commit(built.change);
    if (result.status === 'committed')
      return { status: result.status, version: result.version, ...built.counts };
    if (result.status === 'already-committed') return { ...result, ...nothing };
    if (attempts === attemptsMax) {
      throw new DeltaError(
        'contention',
        `Other writers were faster ${attempts} times: ${result.reason}`,
        { table: table.path, version: result.version },
        'Write less often or larger batches, or make writers work on different partitions.',
      );
    }
    snapshot = await table.snapshot();
  }
}

const nothing = { rowsInserted: 0, rowsUpdated: 0, rowsDeleted: 0 };

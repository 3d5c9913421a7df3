import type { Store } from '@eventlake/delta';
import type { Rewrite } from '../delta/compact.js';
import type { ConnectSession } from './connect/session.js';
import { parquetRelation } from './read-table.js';
import { coalesceRelation } from './relations.js';
import { writeFiles } from './write-files.js';

/** For compaction. */
export function rewriteFiles(session: ConnectSession, store: Store): Rewrite {
  return async (table, files, targetBytes) => {
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    const rows = parquetRelation(store, table, files);
    const input = coalesceRelation(rows, Math.ceil(bytes / targetBytes));
    const { partitionValues } = files[0]!;
    return writeFiles(session, store, { ...table, input, partitionValues });
  };
}

import type { Rewrite } from '../delta/compact.js';
import { filesSql } from './read-table.js';
import type { EngineParts } from './session.js';
import { writeFiles } from './write-files.js';

/** For compaction. */
export function rewriteFiles(parts: EngineParts): Rewrite {
  return async (table, files) => {
    const connection = await parts.database.connect();
    const lease = parts.files.lease();
    try {
      const localFile = await lease.open(table.path, files);
      return await writeFiles({ ...parts, connection }, table, filesSql({ ...table, localFile }, files));
    } finally {
      connection.disconnectSync();
      await lease.close();
    }
  };
}

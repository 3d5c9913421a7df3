import { EventlakeError } from '../../errors.js';
import type { BatchId, PreparedWrite, WriteMode, WriteResult } from '../engine.js';
import { commitWrite } from './commit.js';
import { PendingFiles, type WrittenFiles } from './pending-files.js';
import type { Tables, TableVersion } from './tables.js';

/** Where a session is to write rows. */
export interface WriteTarget extends TableVersion {
  /** Columns that the query has not: null. */
  missing?: ReadonlySet<string>;
}

/** What a session has prepared: it commits each once, and when it is closed removes what no table has. */
export class PreparedWrites {
  readonly #tables: Tables;
  readonly #prepared = new Map<PreparedWrite, PendingFiles>();

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  async prepare(
    table: string,
    writeFiles: (target: WriteTarget) => Promise<WrittenFiles>,
  ): Promise<PreparedWrite> {
    const { path, snapshot } = await this.#tables.read(table);
    const missing = this.#tables.undeclared(table, snapshot);
    const files = await writeFiles({ path, snapshot, missing });
    const write = { table, rows: files.rows, bytes: files.bytes };
    const pending = new PendingFiles(this.#tables.store, { path, snapshot });
    pending.files.push(...files.add);
    this.#prepared.set(write, pending);
    return write;
  }

  async commit(write: PreparedWrite, batch: BatchId, mode: WriteMode): Promise<WriteResult> {
    const pending = this.#prepared.get(write);
    if (!pending || pending.isCommitted) {
      throw new EventlakeError('internal', 'Committed is what this session prepared, once');
    }
    const table = await this.#tables.open(write.table);
    const result = await commitWrite(table, pending, batch, mode);
    return { ...result, rows: result.status === 'skipped' ? 0 : write.rows };
  }

  async close(): Promise<void> {
    for (const pending of this.#prepared.values()) await pending.close();
  }
}

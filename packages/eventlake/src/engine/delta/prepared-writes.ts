import { EventlakeError } from '../../errors.js';
import type { BatchId, PreparedWrite, WriteMode, WriteResult } from '../engine.js';
import { commitWrite } from './commit.js';
import { Landing, type WrittenFiles } from './landing.js';
import type { Tables, TableVersion } from './tables.js';

/** Where a session is to write rows. */
export interface WriteTarget extends TableVersion {
  /** Columns that the query has not: null. */
  missing?: ReadonlySet<string>;
}

/** What a session has prepared: it commits each once, and when it is closed removes what no table has. */
export class PreparedWrites {
  readonly #tables: Tables;
  readonly #prepared = new Map<PreparedWrite, Landing>();

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
    const landing = new Landing(this.#tables.store, { path, snapshot });
    landing.files.push(...files.add);
    this.#prepared.set(write, landing);
    return write;
  }

  async commit(write: PreparedWrite, batch: BatchId, mode: WriteMode): Promise<WriteResult> {
    const landing = this.#prepared.get(write);
    if (!landing || landing.hasLanded) {
      throw new EventlakeError('internal', 'Committed is what this session prepared, once');
    }
    const table = await this.#tables.open(write.table);
    const result = await commitWrite(table, landing, batch, mode);
    return { ...result, rows: result.status === 'skipped' ? 0 : write.rows };
  }

  async close(): Promise<void> {
    for (const landing of this.#prepared.values()) await landing.close();
  }
}

import { stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Logger } from 'pino';
import type { TableDefinition } from '../../schema/definition.js';
import { createDatabase, databaseOf } from '../ddl.js';
import type { Engine } from './engine.js';
import { quoteString, quoteTable } from './sql/quote.js';

/** The Delta tables that the endpoint shows under their own names. */
export interface LakeOptions {
  /** Absolute path of the lakehouse; an object store's address is not shown yet. */
  root: string;
  tables: readonly Pick<TableDefinition, 'name'>[];
}

interface MissingTable {
  name: string;
  path: string;
}

/** Tables that are not there yet are looked for at most so often. */
const LOOK_EVERY_MS = 1000;

/**
 * `bronze.user_events` … as ClickHouse tables over the Delta logs. ClickHouse reads the newest version, columns included,
 * at each query; only that a table has come into being is for us to see.
 */
export class LakeTables {
  #missing: MissingTable[];
  #looking: Promise<void> | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(
    readonly engine: Engine,
    options: LakeOptions | undefined,
    readonly logger: Logger,
    /** A table has appeared. */
    readonly onAttached: () => void,
  ) {
    this.#missing = (options?.tables ?? []).map(({ name }) => ({
      name,
      path: join(options!.root, ...name.split('.')),
    }));
    if (options !== undefined && !isAbsolute(options.root)) {
      logger.warn(
        { lakehouse: options.root },
        'only a lakehouse on this machine can be read through ClickHouse',
      );
      this.#missing = [];
    }
    // ClickHouse reads files of a lake only below `user_files_path`, which chdb takes from nowhere but the working
    // directory: a process that shows a lake lives in the root.
    if (this.#missing.length > 0) process.chdir('/');
  }

  /** Before a query: attaches the tables that have appeared since. */
  async refresh(): Promise<void> {
    if (this.#missing.length === 0) return;
    const now = performance.now();
    if (this.#looking === undefined && now - this.#lookedAt >= LOOK_EVERY_MS) {
      this.#lookedAt = now;
      this.#looking = this.#attach().finally(() => {
        this.#looking = undefined;
      });
    }
    await this.#looking;
  }

  async #attach(): Promise<void> {
    const missing: MissingTable[] = [];
    for (const table of this.#missing) {
      const there = await stat(join(table.path, '_delta_log')).catch(() => undefined);
      if (there === undefined || !(await this.#create(table))) missing.push(table);
    }
    this.#missing = missing;
  }

  async #create({ name, path }: { name: string; path: string }): Promise<boolean> {
    try {
      const engine = `DeltaLakeLocal(${quoteString(path)})`;
      // The catalog remembers tables over a restart; the lakehouse may have moved meanwhile. Dropping one deletes nothing
      // of the Delta table.
      const known = await this.engine.administer(
        `SELECT engine_full FROM system.tables
         WHERE database || '.' || name = ${quoteString(name)} AND engine = 'DeltaLakeLocal'`,
      );
      if (known[0] === engine) return true;
      await this.engine.administer(createDatabase(databaseOf(name)));
      await this.engine.administer(`DROP TABLE IF EXISTS ${quoteTable(name)}`);
      await this.engine.administer(`CREATE TABLE ${quoteTable(name)} ENGINE = ${engine}`);
      this.onAttached();
      this.logger.debug({ table: name }, 'readable through ClickHouse');
      return true;
    } catch (error) {
      // Its first commit may be under way.
      this.logger.debug({ table: name, err: error }, 'not readable through ClickHouse yet');
      return false;
    }
  }
}

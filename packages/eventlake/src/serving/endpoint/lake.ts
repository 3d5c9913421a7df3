import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { TableDefinition } from '../../schema/definition.js';
import { createDatabase, databaseOf } from '../ddl.js';
import type { Engine } from './engine.js';
import { type LakeAddress, type LakeRoot, lakeAddress } from './lake-address.js';
import { quoteString, quoteTable } from './sql/quote.js';

/** The Delta tables that the endpoint shows under their own names. */
export interface LakeOptions extends LakeRoot {
  tables: readonly Pick<TableDefinition, 'name'>[];
}

interface MissingTable {
  name: string;
  /** Below the root, with a slash before it. */
  path: string;
}

/** Tables that are not there yet are looked for at most so often; looking costs money on an object store. */
const LOOK_EVERY_MS = { DeltaLakeLocal: 1000, DeltaLake: 10_000 };

/**
 * `bronze.user_events` … as ClickHouse tables over the Delta logs. ClickHouse reads the newest version, columns included,
 * at each query; only that a table has come into being is for us to see.
 *
 * On S3 ClickHouse finds its credentials as the AWS SDK does, in the environment of the process, in profiles or by its
 * role: no statement and no system table has them.
 */
export class LakeTables {
  readonly #address: LakeAddress | undefined;
  #missing: MissingTable[];
  #looking: Promise<void> | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #hasWarned = false;

  constructor(
    readonly engine: Engine,
    options: LakeOptions | undefined,
    readonly logger: Logger,
    /** A table has appeared. */
    readonly onAttached: () => void,
  ) {
    this.#missing = (options?.tables ?? []).map(({ name }) => ({
      name,
      path: `/${name.replaceAll('.', '/')}`,
    }));
    const address = options && lakeAddress(options);
    if (typeof address === 'string') {
      logger.warn({ lakehouse: options?.root }, address);
      this.#missing = [];
    } else {
      this.#address = address;
    }
    // ClickHouse reads files of a lake only below `user_files_path`, which chdb takes from nowhere but the working
    // directory: a process that shows a lake lives in the root.
    if (this.#missing.length > 0 && this.#address?.engine === 'DeltaLakeLocal') process.chdir('/');
  }

  /** Before a query: attaches the tables that have appeared since. */
  async refresh(): Promise<void> {
    if (this.#missing.length === 0 || this.#address === undefined) return;
    const now = performance.now();
    if (this.#looking === undefined && now - this.#lookedAt >= LOOK_EVERY_MS[this.#address.engine]) {
      this.#lookedAt = now;
      this.#looking = this.#attach(this.#address).finally(() => {
        this.#looking = undefined;
      });
    }
    await this.#looking;
  }

  async #attach(address: LakeAddress): Promise<void> {
    const missing: MissingTable[] = [];
    for (const table of this.#missing) {
      const there =
        address.engine === 'DeltaLake' ||
        (await stat(join(address.base, table.path, '_delta_log')).catch(() => undefined)) !== undefined;
      if (!there || !(await this.#create(table, address))) missing.push(table);
    }
    this.#missing = missing;
  }

  async #create({ name, path }: MissingTable, { engine: kind, base }: LakeAddress): Promise<boolean> {
    try {
      const engine = `${kind}(${quoteString(`${base}${path}`)})`;
      // The catalog remembers tables over a restart; the lakehouse may have moved meanwhile. Dropping one deletes nothing
      // of the Delta table.
      const known = await this.engine.administer(
        `SELECT engine_full FROM system.tables
         WHERE database || '.' || name = ${quoteString(name)} AND startsWith(engine, 'DeltaLake')`,
      );
      // Behind the address ClickHouse may have added what it takes for granted.
      if (known[0]?.startsWith(engine.slice(0, -1))) return true;
      await this.engine.administer(createDatabase(databaseOf(name)));
      await this.engine.administer(`DROP TABLE IF EXISTS ${quoteTable(name)}`);
      await this.engine.administer(`CREATE TABLE ${quoteTable(name)} ENGINE = ${engine}`);
      this.onAttached();
      this.logger.debug({ table: name }, 'readable through ClickHouse');
      return true;
    } catch (error) {
      // Its first commit may be under way; or somebody may not read there.
      const isStrange =
        kind === 'DeltaLake' && !/No files in log segment/.test(String(error)) && !this.#hasWarned;
      this.#hasWarned ||= isStrange;
      this.logger[isStrange ? 'warn' : 'debug'](
        { table: name, err: error },
        'not readable through ClickHouse yet',
      );
      return false;
    }
  }
}

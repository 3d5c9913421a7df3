import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import type { TableChange } from '../schema/changes.js';
import type { ServingTable } from '../schema/definition.js';
import { refuseWhatCannotBe } from './changes.js';
import { fromClickHouse, isPassing } from './client-errors.js';
import {
  addColumn,
  createDatabase,
  createTable,
  databaseOf,
  dropColumn,
  modifyColumn,
  STAGING,
} from './ddl.js';
import { quoteTable } from './endpoint/sql/quote.js';
import { changesOf, foundTables } from './found-tables.js';
import type { Row, Serving } from './serving.js';

/** How a client is had, again after the endpoint that it spoke to has gone. */
export interface Connector {
  /** Of a server that is one of several: tables are made on all of them. */
  readonly cluster?: string;
  connect(): Promise<{ client: ClickHouseClient; url: string }>;
  close(): Promise<void>;
}

/** A passing failure is tried again for so long: every operation here is safe to repeat. */
const RETRY_MS = 30_000;

/**
 * One INSERT is one block, so that it is seen, counted and deduplicated as a whole. As it is: rows that sum up to nothing
 * would be left out otherwise, and with them the token.
 */
const ONE_BLOCK = {
  optimize_on_insert: 0,
  async_insert: 0,
  input_format_parallel_parsing: 0,
  max_insert_block_size: '100000000',
  min_insert_block_size_rows: '100000000',
  min_insert_block_size_bytes: '10000000000',
  date_time_input_format: 'best_effort',
} as const;

/** The Serving contract over `@clickhouse/client`, whoever answers. */
export class ClickHouseServing implements Serving {
  #current: { client: ClickHouseClient; url: string };
  #connections = 1;
  #closed = false;

  private constructor(
    readonly connector: Connector,
    first: { client: ClickHouseClient; url: string },
  ) {
    this.#current = first;
  }

  static async open(connector: Connector): Promise<ClickHouseServing> {
    return new ClickHouseServing(connector, await connector.connect());
  }

  get connections(): number {
    return this.#connections;
  }

  get url(): string {
    return this.#current.url;
  }

  /** Looks first: what is there already, at nearly every start, costs three short queries. */
  async ensure(tables: readonly ServingTable[]): Promise<void> {
    if (tables.length === 0) return;
    const { cluster } = this.connector;
    const found = await foundTables(this, tables);
    // The other servers of a cluster may lack what this one has.
    const missing = cluster === undefined ? tables.filter(({ name }) => !found.has(name)) : tables;
    const databases = new Set([STAGING, ...missing.map((table) => databaseOf(table.name))]);
    for (const database of databases) await this.#command(createDatabase(database, cluster));
    for (const table of missing) await this.#command(createTable(table, cluster), { table: table.name });
    const changes = tables
      .flatMap((table) => changesOf(table, found))
      .filter(({ change }) => change !== 'create table');
    refuseWhatCannotBe(changes, this.url);
    await this.#carryOut(changes.filter(({ by }) => by === 'start'));
  }

  async plan(tables: readonly ServingTable[]): Promise<TableChange[]> {
    const found = await foundTables(this, tables);
    return tables.flatMap((table) => changesOf(table, found));
  }

  async apply(tables: readonly ServingTable[], { drops }: { drops: boolean }): Promise<void> {
    const changes = await this.plan(tables);
    refuseWhatCannotBe(
      changes.filter(({ by }) => by === 'hand'),
      this.url,
    );
    await this.#carryOut(changes.filter(({ by }) => by === 'apply' || (drops && by === 'drop')));
    await this.ensure(tables);
  }

  async insert(table: string, rows: readonly Row[], token: string): Promise<void> {
    if (rows.length === 0) return;
    await this.#do({ table }, (client) =>
      client.insert({
        table: quoteTable(table),
        values: rows,
        format: 'JSONEachRow',
        clickhouse_settings: { ...ONE_BLOCK, insert_deduplicate: 1, insert_deduplication_token: token },
      }),
    );
  }

  /** Fills a table of its own first; REPLACE PARTITION is the commit point. */
  async publish(table: string, rows: AsyncIterable<Row> | readonly Row[]): Promise<void> {
    const staging = `${STAGING}.${table.replace('.', '__')}__${randomBytes(6).toString('hex')}`;
    await this.#command(`CREATE TABLE ${quoteTable(staging)} AS ${quoteTable(table)}`, { table });
    try {
      await this.#fill(staging, rows);
      await this.#command(
        `ALTER TABLE ${quoteTable(table)} REPLACE PARTITION tuple() FROM ${quoteTable(staging)}
         SETTINGS allow_replace_partition_from_empty_source = 1`,
        { table },
      );
    } finally {
      await this.#command(`DROP TABLE IF EXISTS ${quoteTable(staging)}`).catch(() => {});
    }
  }

  async query<T extends object = Record<string, unknown>>(
    sql: string,
    params: Record<string, unknown> = {},
  ): Promise<T[]> {
    return this.#do({}, async (client) => {
      const result = await client.query({
        query: sql,
        query_params: params,
        format: 'JSONEachRow',
        clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
      });
      return (await result.json()) as T[];
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#current.client.close();
    await this.connector.close();
  }

  async #fill(staging: string, rows: AsyncIterable<Row> | readonly Row[]): Promise<void> {
    const values = Array.isArray(rows) ? (rows as readonly Row[]) : Readable.from(rows as AsyncIterable<Row>);
    if (Array.isArray(values) && values.length === 0) return;
    // A stream can be read once only: a failure in the middle is the caller's to repeat.
    await this.#do(
      { table: staging },
      (client) =>
        client.insert({
          table: quoteTable(staging),
          values,
          format: 'JSONEachRow',
          clickhouse_settings: {
            async_insert: 0,
            insert_deduplicate: 0,
            date_time_input_format: 'best_effort',
          },
        }),
      { retry: false },
    );
  }

  async #carryOut(changes: readonly TableChange[]): Promise<void> {
    const { cluster } = this.connector;
    for (const { table, change, column, to } of changes) {
      if (column === undefined) continue;
      const target = { name: column, type: to ?? '' };
      if (change === 'add column') await this.#command(addColumn(table, target, cluster), { table });
      if (change === 'widen column') await this.#command(modifyColumn(table, target, cluster), { table });
      if (change === 'undeclared column') await this.#command(dropColumn(table, column, cluster), { table });
    }
  }

  async #command(query: string, where: { table?: string } = {}): Promise<void> {
    await this.#do(where, (client) => client.command({ query }));
  }

  async #do<T>(
    where: { table?: string },
    run: (client: ClickHouseClient) => Promise<T>,
    { retry = true } = {},
  ): Promise<T> {
    const deadline = Date.now() + RETRY_MS;
    for (let attempt = 0; ; attempt++) {
      try {
        return await run(this.#current.client);
      } catch (error) {
        if (!retry || this.#closed || !isPassing(error) || Date.now() > deadline) {
          throw fromClickHouse(error, { ...where, url: this.url });
        }
        await sleep(Math.min(50 * 2 ** attempt, 2000));
        await this.#reconnect();
      }
    }
  }

  async #reconnect(): Promise<void> {
    const gone = this.#current;
    this.#current = await this.connector.connect();
    this.#connections++;
    if (gone.client !== this.#current.client) await gone.client.close().catch(() => {});
  }
}

import type { TableChange } from '../schema/changes.js';
import type { ServingTable } from '../schema/definition.js';

/**
 * Where people look: ClickHouse, embedded behind our endpoint or a server of its own, always reached over HTTP by
 * `@clickhouse/client`. `test/contracts/serving.ts` is what both must pass.
 */
export interface Serving {
  readonly url: string;

  /** How often it has connected: where this has changed, ClickHouse may have been started anew meanwhile. */
  readonly connections: number;

  /** Makes databases and tables that are missing, and adds columns that are new. Drops nothing. */
  ensure(tables: readonly ServingTable[]): Promise<void>;

  /** What `ensure`, or `apply`, would do to the tables that are there. Reads only. */
  plan(tables: readonly ServingTable[]): Promise<TableChange[]>;

  /** Makes and widens what the tables need; drops columns that are not declared only where told to. */
  apply(tables: readonly ServingTable[], options: { drops: boolean }): Promise<void>;

  /**
   * Inserts the rows as one block. When this resolves, they are durable. The same `token` again changes nothing; but where
   * the embedded ClickHouse was killed, or lost power, just when an insert was under way, it may know the token without the
   * rows, or have the rows without the token: what it has is to be looked at. No rows: no block.
   */
  insert(table: string, rows: readonly Row[], token: string): Promise<void>;

  /**
   * Makes the table hold exactly these rows, at once: a reader without FINAL sees the old publication or the new one,
   * never both, a half, or a row that is gone. Safe to repeat.
   */
  publish(table: string, rows: AsyncIterable<Row> | readonly Row[]): Promise<void>;

  /** @throws EventlakeError with ClickHouse's own message and code. */
  query<T extends object = Record<string, unknown>>(
    sql: string,
    params?: Record<string, unknown>,
  ): Promise<T[]>;

  close(): Promise<void>;
}

export type Row = Record<string, string | number | boolean | null>;

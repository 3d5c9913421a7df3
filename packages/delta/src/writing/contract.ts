import type { Change, Predicate } from '../contract.js';
import type { Row } from '../rows/values.js';

/** What is written: an array, a generator, a stream of objects; read once, and never held in memory as a whole. */
export type Rows = Iterable<Row> | AsyncIterable<Row>;

export interface WriteOptions {
  /** The caller's position: a write that has landed before is not repeated. */
  txn?: Change['txn'];
  /** Anything for the history. */
  userMetadata?: string;
}

export interface OverwriteOptions extends WriteOptions {
  /** Only the rows for which it is true are replaced, and only such rows may be written. */
  where?: Predicate;
}

export interface DeleteOptions extends WriteOptions {
  where: Predicate;
}

/** Anything that a column takes: see the README's table of types. */
export type Value =
  | string
  | number
  | bigint
  | boolean
  | null
  | Date
  | Uint8Array
  | readonly unknown[]
  | ReadonlyMap<unknown, unknown>
  | { readonly [field: string]: unknown };

export interface UpdateOptions extends WriteOptions {
  /** Which rows; all where not given. */
  where?: Predicate;
  /** New values by column: a value, or what makes it of the row as it was. */
  set: Record<string, Value | ((row: Row) => unknown)>;
}

export interface MergeOptions extends WriteOptions {
  /** The columns that identify a row. A row with null in one of them matches nothing. */
  on: readonly string[];
  /**
   * What becomes of a row of the table that a source row matches. `update` (the default) takes the columns that the
   * source row has. A function gives the new row, null to delete it, or undefined to leave it.
   */
  whenMatched?: 'update' | 'delete' | 'ignore' | ((target: Row, source: Row) => Row | null | undefined);
  /** What becomes of a source row that matches nothing. A function gives the row, or undefined. Default `insert`. */
  whenNotMatched?: 'insert' | 'ignore' | ((source: Row) => Row | undefined);
  /** What becomes of the table's rows that no source row matches. Default `keep`; anything else reads all of them. */
  whenNotMatchedBySource?: 'keep' | 'delete' | ((target: Row) => Row | null | undefined);
}

/** What a write did. A conflict with other writers is computed anew, and is an error only where they keep winning. */
export interface WriteResult {
  /** `nothing-to-do`: no row had to change, and no version was made. */
  status: 'committed' | 'already-committed' | 'nothing-to-do';
  /** The version that was made, or the newest one. */
  version: number;
  rowsInserted: number;
  rowsUpdated: number;
  rowsDeleted: number;
}

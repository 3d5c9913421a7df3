import { arrowStream } from '../arrow/stream.js';
import type { Predicate, Snapshot } from '../contract.js';
import { DeltaError } from '../errors.js';
import { setField } from '../parquet/assemble.js';
import { valueAt } from '../parquet/read.js';
import type { StructField } from '../schema.js';
import { columnBatchesOf } from './columns.js';
import { type DataPlace, type FileBatch, FileReader } from './file-reader.js';
import { type Row, toUser } from './values.js';

export interface ScanOptions {
  /** Which columns, in which order; all of them where not given. */
  columns?: readonly string[];
  /** Only rows for which it is true. Files that cannot hold one are not opened. */
  where?: Predicate;
  /** Of an earlier version, or of what was the newest version at a time. */
  version?: number;
  timestampMs?: number;
}

/** Rows of one version of a table. Nothing is read before somebody asks, and no more than is asked for. */
export interface Scan extends AsyncIterable<Row> {
  /** The same rows, as many at a time as the files hold together: at most `batchRowsMax`. */
  batches(): AsyncIterable<Row[]>;
  /**
   * The same rows as an Arrow IPC stream, for whatever computes with columns: pyarrow, Arrow in a browser. Each piece is a
   * whole message; a record batch has up to 32,768 rows, and no more than a row group is in memory. Read by this package
   * itself, also where the table has an engine: columns that become rows on the way take ten times as long.
   */
  arrow(): AsyncIterable<Uint8Array>;
  /** All rows in memory. @throws DeltaError of kind `invalid` where there are more than `limit` (a million by default). */
  toArray(options?: { limit?: number }): Promise<Row[]>;
  /** How many rows there are, from the statistics alone where they suffice. */
  count(): Promise<number>;
}

const batchRowsMax = 8192;

/**
 * Rows are handed out in the order of the log's files, which means nothing.
 * @param byEngine reads them where it can
 */
export function scan(
  place: DataPlace,
  snapshot: () => Promise<Snapshot>,
  options: ScanOptions,
  byEngine?: (snapshot: Snapshot) => AsyncIterable<Row[]> | undefined,
): Scan {
  async function* batches(): AsyncGenerator<Row[]> {
    const version = await snapshot();
    const columns = columnsOf(version, options.columns);
    const rows = byEngine?.(version);
    if (rows) return yield* rows;
    const reader = new FileReader(place, version, columns, options.where);
    for (const file of version.files(options.where)) {
      for await (const batch of reader.read(file)) yield* rowsOf(batch, columns);
    }
  }
  async function* columnBatches(version: Snapshot, fields: readonly StructField[]) {
    const reader = new FileReader(place, version, fields, options.where);
    for (const file of version.files(options.where)) {
      for await (const batch of reader.read(file)) yield* columnBatchesOf(batch);
    }
  }
  return {
    batches,
    async *arrow() {
      const version = await snapshot();
      const fields = columnsOf(version, options.columns);
      yield* arrowStream(fields, columnBatches(version, fields));
    },
    async *[Symbol.asyncIterator]() {
      for await (const batch of batches()) yield* batch;
    },
    async toArray({ limit = 1_000_000 } = {}) {
      const rows: Row[] = [];
      for await (const batch of batches()) {
        for (const row of batch) rows.push(row);
        if (rows.length > limit) {
          throw new DeltaError(
            'invalid',
            `There are more than ${limit} rows`,
            { table: place.table },
            'Iterate over them, or raise `limit`.',
          );
        }
      }
      return rows;
    },
    async count() {
      const version = await snapshot();
      if (!options.where && version.recordCount !== undefined) return version.recordCount;
      const reader = new FileReader(place, version, [], options.where);
      let count = 0;
      for (const file of version.files(options.where)) {
        for await (const { selected } of reader.read(file)) count += selected.length;
      }
      return count;
    },
  };
}

/** @throws DeltaError of kind `invalid` for a name that the table does not have */
export function columnsOf(
  { schema }: Snapshot,
  names: readonly string[] | undefined,
): readonly StructField[] {
  if (names === undefined) return schema.fields;
  return names.map((name) => {
    const field = schema.fields.find((candidate) => candidate.name === name);
    if (field) return field;
    const known = schema.fields.map((candidate) => candidate.name).join(', ');
    throw new DeltaError('invalid', `The table has no column ${name}`, {}, `It has ${known}.`);
  });
}

/** The selected rows of a batch, as the user sees them. */
export function* rowsOf(batch: FileBatch, columns: readonly StructField[]): Generator<Row[]> {
  const converters = columns.map((field) => toUser(field.type));
  for (let from = 0; from < batch.selected.length; from += batchRowsMax) {
    const rows: Row[] = [];
    for (const i of batch.selected.subarray(from, from + batchRowsMax)) {
      const row: Row = {};
      for (let c = 0; c < columns.length; c++) {
        const field = columns[c] as StructField;
        const value = valueAt(batch.columns[c] as FileBatch['columns'][number], i, field);
        setField(row, field.name, value === null ? null : (converters[c] as (v: unknown) => unknown)(value));
      }
      rows.push(row);
    }
    yield rows;
  }
}

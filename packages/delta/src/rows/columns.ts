import type { ColumnBatch } from '../arrow/stream.js';
import type { Vector } from '../parquet/assemble.js';
import type { FileBatch } from './file-reader.js';

/** Rows of a record batch: many enough for whoever computes with columns, few enough to hold several of them. */
const columnRowsMax = 32_768;

/** The selected rows of what was read from a file, as columns of at most `columnRowsMax` rows. */
export function* columnBatchesOf({ columns, rowCount, selected }: FileBatch): Generator<ColumnBatch> {
  for (let from = 0; from < selected.length; from += columnRowsMax) {
    const rows = selected.subarray(from, from + columnRowsMax);
    yield { rowCount: rows.length, columns: columns.map((column) => chosen(column, rows, rowCount)) };
  }
}

/** Typed where it is so already and nothing is missing: then its bytes are copied as they are. */
function chosen({ values, nulls }: Vector, rows: Uint32Array, rowCount: number): ArrayLike<unknown> {
  const first = rows[0]!;
  const isRange = rows[rows.length - 1]! - first === rows.length - 1;
  if (!nulls && isRange && values.length >= rowCount) return values.slice(first, first + rows.length);
  const column = new Array<unknown>(rows.length);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    column[i] = nulls?.[row] ? null : values[row];
  }
  return column;
}

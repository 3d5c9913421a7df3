import type { StructField, StructType } from '../schema.js';
import type { Vector } from './assemble.js';
import type { ParquetFile } from './file.js';
import type { ParquetNode } from './metadata.js';
import { type FieldResolver, planColumn } from './plan.js';

/** Some rows of a file, as columns in the order of the schema that was asked for. */
export interface Batch {
  readonly rowCount: number;
  /** Position of the first row in the file. */
  readonly firstRow: number;
  readonly columns: readonly Vector[];
}

/**
 * The columns of a schema, row group by row group. Columns that the file lacks are null.
 * @throws DeltaError of kind `corrupt` where the file is damaged or its columns are of other types
 */
export async function* readBatches(
  file: ParquetFile,
  schema: StructType,
  resolve: FieldResolver = byName,
): AsyncGenerator<Batch> {
  const plans = schema.fields.map((field) => planColumn(field, file.schema, resolve));
  let firstRow = 0;
  for (const [index, { rowCount }] of file.metadata.rowGroups.entries()) {
    if (rowCount > 0) yield { rowCount, firstRow, columns: await file.readRowGroup(index, plans) };
    firstRow += rowCount;
  }
}

/** One value of a column; booleans are booleans again. */
export function valueAt(column: Vector, row: number, field: Pick<StructField, 'type'>): unknown {
  if (column.nulls?.[row]) return null;
  const value = column.values[row];
  return field.type === 'boolean' ? value === 1 : value;
}

/** As tables without column mapping have it; other engines may have written the name in another case. */
export function byName(field: StructField, among: readonly ParquetNode[]): ParquetNode | undefined {
  const exact = among.find((node) => node.name === field.name);
  if (exact) return exact;
  const lower = field.name.toLowerCase();
  const similar = among.filter((node) => node.name.toLowerCase() === lower);
  return similar.length === 1 ? similar[0] : undefined;
}

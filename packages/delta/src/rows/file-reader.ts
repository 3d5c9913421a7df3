import type { AddFile } from '../actions.js';
import type { Predicate, Snapshot } from '../contract.js';
import { readDeletionVector } from '../deletion-vectors/descriptor.js';
import { RowSet } from '../deletion-vectors/row-set.js';
import { DeltaError } from '../errors.js';
import { dataFilePath } from '../log/paths.js';
import type { Vector } from '../parquet/assemble.js';
import { ParquetFile, sourceOf } from '../parquet/file.js';
import { planColumn, type ReadPlan } from '../parquet/plan.js';
import type { StructField } from '../schema.js';
import { type Store, StoreError } from '../store.js';
import { type RowFilter, rowFilter } from './filter.js';
import { type ColumnMapping, columnMapping } from './mapping.js';
import { parsePartitionValue } from './partition-values.js';
import { checkTypeChanges } from './type-changes.js';

/** Where a table's data lies, and what only the caller knows of it. */
export interface DataPlace {
  readonly store: Store;
  /** The table's path in the store. */
  readonly table: string;
  /** The zone in which partition timestamps without one were written: an IANA name. UTC where not given. */
  readonly partitionTimeZone?: string | undefined;
}

/** A file with rows: of the table, or of its change data. */
export type DataFile = Pick<AddFile, 'path' | 'partitionValues' | 'size' | 'deletionVector'>;

/** Live rows of a file, as columns in the order that was asked for. */
export interface FileBatch {
  readonly columns: readonly Vector[];
  /** Rows in the columns, and which of them are live and match. */
  readonly rowCount: number;
  readonly selected: Uint32Array;
  /** Position in the file of the columns' first row. */
  readonly firstRow: number;
}

/** Reads the data files of one version of a table. */
export class FileReader {
  private readonly mapping: ColumnMapping;
  private readonly filter: RowFilter | undefined;

  /** @throws DeltaError where the predicate does not fit the table */
  constructor(
    private readonly place: DataPlace,
    private readonly snapshot: Pick<Snapshot, 'protocol' | 'metadata' | 'schema' | 'partitionColumns'>,
    private readonly columns: readonly StructField[],
    where?: Predicate,
  ) {
    checkTypeChanges(snapshot.schema);
    this.mapping = columnMapping(snapshot.protocol, snapshot.metadata);
    this.filter = where && rowFilter(where, snapshot.schema);
  }

  /**
   * Every live row for which the predicate is true, once. Columns that only the predicate needs are read first, and the
   * others of a row group only where it leaves a row.
   * @param only these rows by position, deleted or not
   * @throws DeltaError of kind `corrupt`, naming the file
   */
  async *read(file: DataFile, only?: RowSet): AsyncGenerator<FileBatch> {
    if (only?.size === 0) return;
    const parquet = await this.open(file);
    const deleted = only ? new RowSet() : await this.deletedRows(file, parquet.metadata.rowCount);
    const columns = this.columnReader(file, parquet, this.columns);
    const tested = this.filter && this.columnReader(file, parquet, this.filter.columns);
    let firstRow = 0;
    for (const [index, { rowCount }] of parquet.metadata.rowGroups.entries()) {
      if (rowCount > 0) {
        const keep = this.filter?.keep((await tested?.(index)) ?? [], rowCount);
        const selected = select(firstRow, rowCount, keep, deleted, only);
        if (selected.length > 0) yield { columns: await columns(index), rowCount, selected, firstRow };
      }
      firstRow += rowCount;
    }
  }

  /** The rows that a file's deletion vector deletes; none where it has no vector. */
  async deletedRows(file: DataFile, rowCount: number): Promise<RowSet> {
    if (!file.deletionVector) return new RowSet();
    const { store, table } = this.place;
    return readDeletionVector(store, table, file.deletionVector, rowCount);
  }

  async open(file: DataFile): Promise<ParquetFile> {
    const { store, table } = this.place;
    const path = dataFilePath(store.url, table, file.path);
    try {
      return await ParquetFile.open(await sourceOf(store, path, file.size));
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== 'not-found') throw error;
      throw new DeltaError(
        'corrupt',
        `The table has the file ${file.path}, and the store does not`,
        { table, file: path },
        'Vacuum removes the files of old versions; if the version is a new one, restore the file from a copy.',
        { cause: error },
      );
    }
  }

  /** Partition columns come from the log, the others from the file. */
  private columnReader(
    file: DataFile,
    parquet: ParquetFile,
    fields: readonly StructField[],
  ): (rowGroup: number) => Promise<Vector[]> {
    const plans = fields.map((field) => this.planOf(file, parquet, field));
    const stored = plans.filter((plan): plan is ReadPlan => !isConstant(plan));
    return async (rowGroup) => {
      const vectors = await parquet.readRowGroup(rowGroup, stored);
      const { rowCount } = parquet.metadata.rowGroups[rowGroup] as { rowCount: number };
      let next = 0;
      return plans.map((plan) =>
        isConstant(plan) ? constantVector(plan.constant, rowCount) : (vectors[next++] as Vector),
      );
    };
  }

  private planOf(file: DataFile, parquet: ParquetFile, field: StructField): ReadPlan | Constant {
    const { name, type } = field;
    try {
      if (this.snapshot.partitionColumns.includes(name)) {
        const text = file.partitionValues[this.mapping.physicalName(field)];
        return { constant: parsePartitionValue(text, type, name, this.place.partitionTimeZone) };
      }
      return planColumn(field, parquet.schema, this.mapping.resolve);
    } catch (error) {
      if (!(error instanceof DeltaError)) throw error;
      const where = { table: this.place.table, file: file.path, ...error.where };
      throw new DeltaError(error.kind, `${file.path}: ${error.message}`, where, error.hint, { cause: error });
    }
  }
}

interface Constant {
  constant: unknown;
}

function isConstant(plan: ReadPlan | Constant): plan is Constant {
  return 'constant' in plan;
}

function constantVector(value: unknown, rowCount: number): Vector {
  if (value === null) return { values: [], nulls: new Uint8Array(rowCount).fill(1) };
  // As columns have them: see `Vector`.
  const stored = typeof value === 'boolean' ? Number(value) : value;
  return { values: new Array(rowCount).fill(stored), nulls: undefined };
}

function select(
  firstRow: number,
  rowCount: number,
  keep: Uint8Array | undefined,
  deleted: RowSet,
  only: RowSet | undefined,
): Uint32Array {
  const selected = new Uint32Array(rowCount);
  let count = 0;
  for (let i = 0; i < rowCount; i++) {
    if (keep && keep[i] === 0) continue;
    if (deleted.size > 0 && deleted.has(firstRow + i)) continue;
    if (only && !only.has(firstRow + i)) continue;
    selected[count++] = i;
  }
  return selected.subarray(0, count);
}

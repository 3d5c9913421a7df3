import type { Metadata, Protocol } from '../actions.js';
import { DeltaError } from '../errors.js';
import type { ParquetNode } from '../parquet/metadata.js';
import type { FieldResolver } from '../parquet/plan.js';
import { byName } from '../parquet/read.js';
import type { StructField } from '../schema.js';

/** How a table's columns are called in its files: the protocol's section "Column Mapping". */
export interface ColumnMapping {
  readonly mode: 'none' | 'name' | 'id';
  /** In files, for `none` and `name`; as the key of partition values and statistics, always. */
  physicalName(field: StructField): string;
  readonly resolve: FieldResolver;
}

/** @throws DeltaError of kind `unsupported` for a mode that is not known, `corrupt` where a column has no mapping. */
export function columnMapping(protocol: Protocol, metadata: Metadata): ColumnMapping {
  const mode = isSupported(protocol)
    ? (metadata.configuration['delta.columnMapping.mode'] ?? 'none')
    : 'none';
  switch (mode) {
    case 'none':
      return { mode, physicalName: (field) => field.name, resolve: byName };
    case 'name':
      return {
        mode,
        physicalName,
        resolve: (field, among) => {
          const name = physicalName(field);
          return among.find((node) => node.name === name);
        },
      };
    case 'id':
      return { mode, physicalName, resolve: byId };
    default:
      throw new DeltaError('unsupported', `The table maps its columns by ${mode}, which is not known`);
  }
}

function isSupported({ minReaderVersion, readerFeatures }: Protocol): boolean {
  return (
    minReaderVersion === 2 || (minReaderVersion >= 3 && readerFeatures?.includes('columnMapping') === true)
  );
}

/** The metadata of a column that is called the same whatever the mode. */
export const UNMAPPED: Record<string, unknown> = {};

function physicalName(field: StructField): string {
  if (field.metadata === UNMAPPED) return field.name;
  const name = field.metadata['delta.columnMapping.physicalName'];
  if (typeof name === 'string') return name;
  throw new DeltaError('corrupt', `The table maps its columns, and ${field.name} has no physical name`);
}

/** Files without any ids are refused, which the protocol allows: nulls everywhere would be a quiet loss. */
function byId(field: StructField, among: readonly ParquetNode[]): ParquetNode | undefined {
  const id = field.metadata['delta.columnMapping.id'];
  // The column that change data has besides the table's.
  if (id === undefined && field.metadata === UNMAPPED) return byName(field, among);
  if (typeof id !== 'number') {
    throw new DeltaError('corrupt', `The table maps its columns by id, and ${field.name} has none`);
  }
  if (among.length > 0 && among.every((node) => node.fieldId === undefined)) {
    throw new DeltaError('corrupt', 'The table maps its columns by id, and the file has no ids');
  }
  return among.find((node) => node.fieldId === id);
}

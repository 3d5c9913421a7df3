import { isWider } from '../changes/metadata.js';
import { DeltaError } from '../errors.js';
import type { DataType, StructType } from '../schema.js';

/**
 * The section "Reader Requirements for Type Widening": every change in the schema's history has to be one that is
 * known, or old files would be read wrongly.
 * @throws DeltaError of kind `unsupported`
 */
export function checkTypeChanges(schema: StructType): void {
  for (const { name, type, metadata } of schema.fields) {
    const changes = metadata['delta.typeChanges'];
    if (changes !== undefined) {
      for (const change of Array.isArray(changes) ? changes : [changes]) checkChange(name, change);
    }
    forStructs(type, checkTypeChanges);
  }
}

function checkChange(column: string, change: unknown): void {
  const { fromType, toType } = (typeof change === 'object' && change !== null ? change : {}) as Record<
    string,
    unknown
  >;
  if (typeof fromType === 'string' && typeof toType === 'string' && isWider(fromType, toType)) return;
  throw new DeltaError(
    'unsupported',
    `The column ${column} was changed from ${String(fromType)} to ${String(toType)}, which is no known widening`,
  );
}

function forStructs(type: DataType, check: (schema: StructType) => void): void {
  if (typeof type === 'string') return;
  if (type.type === 'struct') check(type);
  else if (type.type === 'array') forStructs(type.elementType, check);
  else {
    forStructs(type.keyType, check);
    forStructs(type.valueType, check);
  }
}

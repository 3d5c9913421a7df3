import type { DataType, StructField, StructType } from '../schema.js';

/**
 * The columns of a checkpoint, one for each kind of action: the section "Checkpoint Schema", and the actions' own.
 * What depends on the table (`stats_parsed`, `partitionValues_parsed`) is added by its writer.
 */
export const CHECKPOINT_SCHEMA: StructType = struct({
  txn: struct({ appId: 'string', version: 'long', lastUpdated: 'long' }),
  add: struct({
    path: 'string',
    partitionValues: stringMap(),
    size: 'long',
    modificationTime: 'long',
    dataChange: 'boolean',
    tags: stringMap(),
    deletionVector: deletionVector(),
    baseRowId: 'long',
    defaultRowCommitVersion: 'long',
    clusteringProvider: 'string',
    stats: 'string',
  }),
  remove: struct({
    path: 'string',
    deletionTimestamp: 'long',
    dataChange: 'boolean',
    extendedFileMetadata: 'boolean',
    partitionValues: stringMap(),
    size: 'long',
    deletionVector: deletionVector(),
    baseRowId: 'long',
    defaultRowCommitVersion: 'long',
  }),
  metaData: struct({
    id: 'string',
    name: 'string',
    description: 'string',
    format: struct({ provider: 'string', options: stringMap() }),
    schemaString: 'string',
    partitionColumns: stringArray(),
    configuration: stringMap(),
    createdTime: 'long',
  }),
  protocol: struct({
    minReaderVersion: 'integer',
    minWriterVersion: 'integer',
    readerFeatures: stringArray(),
    writerFeatures: stringArray(),
  }),
  domainMetadata: struct({ domain: 'string', configuration: 'string', removed: 'boolean' }),
});

/** The actions of a V2 checkpoint besides: the sections "Checkpoint Metadata" and "Sidecar File Information". */
export const CHECKPOINT_V2_SCHEMA: StructType = {
  type: 'struct',
  fields: [
    ...CHECKPOINT_SCHEMA.fields,
    ...struct({
      checkpointMetadata: struct({ version: 'long', tags: stringMap() }),
      sidecar: struct({ path: 'string', sizeInBytes: 'long', modificationTime: 'long', tags: stringMap() }),
    }).fields,
  ],
};

export function struct(types: Record<string, DataType>): StructType {
  return { type: 'struct', fields: Object.entries(types).map(([name, type]) => nullable(name, type)) };
}

export function nullable(name: string, type: DataType): StructField {
  return { name, type, nullable: true, metadata: {} };
}

function stringMap(): DataType {
  return { type: 'map', keyType: 'string', valueType: 'string', valueContainsNull: true };
}

function stringArray(): DataType {
  return { type: 'array', elementType: 'string', containsNull: true };
}

function deletionVector(): DataType {
  return struct({
    storageType: 'string',
    pathOrInlineDv: 'string',
    offset: 'integer',
    sizeInBytes: 'integer',
    cardinality: 'long',
  });
}

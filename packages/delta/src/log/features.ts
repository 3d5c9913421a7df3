import type { Metadata, Protocol } from '../actions.js';
import { DeltaError } from '../errors.js';
import type { DataType, StructType } from '../schema.js';

/** The section "Valid Feature Names in Table Features": what this package reads. */
const READER_FEATURES = new Set([
  'columnMapping',
  'deletionVectors',
  'timestampNtz',
  'typeWidening',
  'typeWidening-preview',
  'v2Checkpoint',
  'vacuumProtocolCheck',
]);

/** What this package knows how to respect while it writes; those with conditions are checked by `checkWritable`. */
const WRITER_FEATURES = new Set([
  ...READER_FEATURES,
  'appendOnly',
  'invariants',
  'checkConstraints',
  'changeDataFeed',
  'generatedColumns',
  'identityColumns',
  'allowColumnDefaults',
  'domainMetadata',
  'inCommitTimestamp',
]);

const READER_VERSION_MAX = 3;
const WRITER_VERSION_MAX = 7;

/** @throws DeltaError of kind `unsupported`, naming the feature. */
export function checkReadable(protocol: Protocol, table: string): void {
  const { minReaderVersion, readerFeatures } = protocol;
  if (minReaderVersion < 1 || minReaderVersion > READER_VERSION_MAX) {
    throw refused(`The table needs reader version ${minReaderVersion}`, table, READER_HINT);
  }
  if (minReaderVersion < 3) return;
  if (!readerFeatures) {
    throw new DeltaError('corrupt', 'The table has reader version 3 and no list of reader features', {
      table,
    });
  }
  const unknown = readerFeatures.filter((feature) => !READER_FEATURES.has(feature));
  if (unknown.length > 0) {
    throw refused(`The table needs the reader feature ${unknown.join(', ')}`, table, READER_HINT);
  }
}

/** @throws DeltaError of kind `unsupported`, naming the feature. */
export function checkWritable(protocol: Protocol, metadata: Metadata, table: string): void {
  checkReadable(protocol, table);
  const { minWriterVersion, writerFeatures } = protocol;
  if (minWriterVersion > WRITER_VERSION_MAX) {
    throw refused(`The table needs writer version ${minWriterVersion}`, table, WRITER_HINT);
  }
  if (minWriterVersion === WRITER_VERSION_MAX) {
    if (!writerFeatures) {
      throw new DeltaError('corrupt', 'The table has writer version 7 and no list of writer features', {
        table,
      });
    }
    const unknown = writerFeatures.filter((feature) => !WRITER_FEATURES.has(feature));
    if (unknown.length > 0) {
      throw refused(`The table needs the writer feature ${unknown.join(', ')}`, table, WRITER_HINT);
    }
  }
  checkActive(metadata, table);
}

/** Features that a table may name as long as it does not use them. */
function checkActive(metadata: Metadata, table: string): void {
  const mode = metadata.configuration['delta.columnMapping.mode'];
  if (mode !== undefined && mode !== 'none') {
    throw refused(`The table maps its columns by ${mode}`, table, WRITER_HINT);
  }
  for (const [key, feature] of [
    ['delta.generationExpression', 'generated columns'],
    ['delta.identity.start', 'identity columns'],
  ] as const) {
    if (metadata.schemaString.includes(`"${key}"`)) {
      throw refused(`The table has ${feature}`, table, WRITER_HINT);
    }
  }
}

/** The smallest protocol that a new table needs. Section "Table Features for New and Existing Tables". */
export function protocolFor(schema: StructType, properties: Record<string, string>): Protocol {
  const readerAndWriter: string[] = [];
  const writerOnly: string[] = [];
  const isOn = (property: string): boolean => properties[property]?.toLowerCase() === 'true';
  if (hasType(schema, 'timestamp_ntz')) readerAndWriter.push('timestampNtz');
  if (isOn('delta.enableDeletionVectors')) readerAndWriter.push('deletionVectors');
  if (isOn('delta.enableTypeWidening')) readerAndWriter.push('typeWidening');
  if (properties['delta.checkpointPolicy'] === 'v2') readerAndWriter.push('v2Checkpoint');
  if (isOn('delta.enableInCommitTimestamps')) writerOnly.push('inCommitTimestamp');
  if (isOn('delta.enableChangeDataFeed')) writerOnly.push('changeDataFeed');
  if (Object.keys(properties).some((key) => key.startsWith('delta.constraints.'))) {
    writerOnly.push('checkConstraints');
  }
  if (readerAndWriter.length === 0 && writerOnly.length === 0) {
    return { minReaderVersion: 1, minWriterVersion: 2 };
  }
  // Version 2 of the writer protocol stands for the first two; from 7 on they are named.
  const writerFeatures = ['appendOnly', 'invariants', ...writerOnly, ...readerAndWriter];
  if (readerAndWriter.length === 0) return { minReaderVersion: 1, minWriterVersion: 7, writerFeatures };
  return { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: readerAndWriter, writerFeatures };
}

const READER_HINT = 'Read it with an engine that has the feature, or update @eventlake/delta.';
const WRITER_HINT = 'Write it with an engine that has the feature; this package can still read the table.';

function hasType(type: DataType, wanted: string): boolean {
  if (typeof type === 'string') return type === wanted;
  if (type.type === 'struct') return type.fields.some((field) => hasType(field.type, wanted));
  if (type.type === 'array') return hasType(type.elementType, wanted);
  return hasType(type.keyType, wanted) || hasType(type.valueType, wanted);
}

function refused(message: string, table: string, hint: string): DeltaError {
  return new DeltaError('unsupported', message, { table }, hint);
}

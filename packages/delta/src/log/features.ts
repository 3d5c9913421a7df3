import type { Metadata, Protocol } from '../actions.js';
import { DeltaError } from '../errors.js';
import { isOn, type Properties } from '../properties.js';
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
    throw refused(`The table maps its columns by ${mode} (delta.columnMapping.mode)`, table, WRITER_HINT);
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

/** The smallest protocol that a new table needs: the section "Table Features for New and Existing Tables". */
export function protocolFor(schema: StructType, properties: Properties): Protocol {
  return upgraded({ minReaderVersion: 1, minWriterVersion: 2 }, schema, properties);
}

/** The protocol with what schema and properties need besides; the same one where it has all of it. Pure; no I/O. */
export function upgraded(protocol: Protocol, schema: StructType, properties: Properties): Protocol {
  const reader = neededFeatures(READER_NEEDS, schema, properties);
  const writer = [...neededFeatures(WRITER_NEEDS, schema, properties), ...reader];
  if (writer.every((feature) => hasFeature(protocol, feature))) return protocol;
  const needsReader = reader.length > 0 || protocol.minReaderVersion >= 2;
  // From version 7 on the features of the versions before are named, used or not.
  return {
    minReaderVersion: needsReader ? 3 : protocol.minReaderVersion,
    minWriterVersion: 7,
    ...(needsReader && { readerFeatures: union(readerFeaturesOf(protocol), reader) }),
    writerFeatures: union(writerFeaturesOf(protocol), writer),
  };
}

/** Whether writers of the table have to know the feature: by its name, or by the version that stands for it. */
export function hasFeature(protocol: Protocol, feature: string): boolean {
  return writerFeaturesOf(protocol).includes(feature);
}

/** `delta.feature.<name>` asks for a feature when a table is made or changed; it is not kept as a property. */
export function withoutFeatureRequests(properties: Properties): Record<string, string> {
  return Object.fromEntries(Object.entries(properties).filter(([key]) => !key.startsWith(FEATURE_REQUEST)));
}

const FEATURE_REQUEST = 'delta.feature.';

type Need = (schema: StructType, properties: Properties) => boolean;

const READER_NEEDS: Readonly<Record<string, Need>> = {
  timestampNtz: (schema) => hasType(schema, 'timestamp_ntz'),
  deletionVectors: (_, properties) => isOn(properties, 'delta.enableDeletionVectors'),
  typeWidening: (_, properties) => isOn(properties, 'delta.enableTypeWidening'),
  v2Checkpoint: (_, properties) => properties['delta.checkpointPolicy'] === 'v2',
  vacuumProtocolCheck: () => false,
};

const WRITER_NEEDS: Readonly<Record<string, Need>> = {
  inCommitTimestamp: (_, properties) => isOn(properties, 'delta.enableInCommitTimestamps'),
  changeDataFeed: (_, properties) => isOn(properties, 'delta.enableChangeDataFeed'),
  checkConstraints: (_, properties) =>
    Object.keys(properties).some((key) => key.startsWith('delta.constraints.')),
  domainMetadata: () => false,
};

function neededFeatures(
  needs: Readonly<Record<string, Need>>,
  schema: StructType,
  properties: Properties,
): string[] {
  return Object.keys(needs).filter(
    (feature) =>
      needs[feature]!(schema, properties) || properties[`${FEATURE_REQUEST}${feature}`] === 'supported',
  );
}

/** The section "Writer Version Requirements": what each version below 7 added. */
const WRITER_VERSIONS: readonly (readonly [version: number, features: readonly string[]])[] = [
  [2, ['appendOnly', 'invariants']],
  [3, ['checkConstraints']],
  [4, ['changeDataFeed', 'generatedColumns']],
  [5, ['columnMapping']],
  [6, ['identityColumns']],
];

/** By name, or those that the version stands for. */
export function writerFeaturesOf({ minWriterVersion, writerFeatures }: Protocol): readonly string[] {
  if (minWriterVersion >= WRITER_VERSION_MAX) return writerFeatures ?? [];
  return WRITER_VERSIONS.flatMap(([version, features]) => (version <= minWriterVersion ? features : []));
}

export function readerFeaturesOf({ minReaderVersion, readerFeatures }: Protocol): readonly string[] {
  return readerFeatures ?? (minReaderVersion === 2 ? ['columnMapping'] : []);
}

function union(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])];
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

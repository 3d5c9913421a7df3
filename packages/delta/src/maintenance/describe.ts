import type { Snapshot, TableDescription } from '../contract.js';
import { readerFeaturesOf, writerFeaturesOf } from '../log/features.js';

/** Spark's DESCRIBE DETAIL, with its names. */
export function describe(snapshot: Snapshot, location: string): TableDescription {
  const { metadata, protocol, version, timestampMs, fileCount, sizeBytes, recordCount } = snapshot;
  const features = new Set([...readerFeaturesOf(protocol), ...writerFeaturesOf(protocol)]);
  return {
    format: 'delta',
    id: metadata.id,
    ...(typeof metadata.name === 'string' && { name: metadata.name }),
    ...(typeof metadata.description === 'string' && { description: metadata.description }),
    location,
    ...(typeof metadata.createdTime === 'number' && { createdAt: new Date(metadata.createdTime) }),
    lastModified: new Date(timestampMs),
    version,
    partitionColumns: [...snapshot.partitionColumns],
    numFiles: fileCount,
    numRecords: recordCount,
    sizeInBytes: sizeBytes,
    properties: { ...metadata.configuration },
    minReaderVersion: protocol.minReaderVersion,
    minWriterVersion: protocol.minWriterVersion,
    tableFeatures: [...features].sort(),
  };
}

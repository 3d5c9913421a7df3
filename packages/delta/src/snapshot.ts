import type { AddFile } from './actions.js';
import type { Snapshot } from './contract.js';
import type { LogState } from './log/replay.js';
import { matcher } from './prune/prune.js';
import { schemaOf } from './schema-json.js';
import { liveRecords } from './stats.js';

/** A replayed state as its readers see it. What costs something is computed when first asked for. */
export function snapshotOf(state: LogState, table: string): Snapshot {
  let files: readonly AddFile[] | undefined;
  let recordCount: { value: number | undefined } | undefined;

  const snapshot: Snapshot = {
    version: state.version,
    timestampMs: state.timestampMs,
    protocol: state.protocol,
    metadata: state.metadata,
    partitionColumns: state.metadata.partitionColumns,
    fileCount: state.files.size,
    sizeBytes: state.sizeBytes,
    txns: state.txns,
    domains: state.domains,
    txn: (appId) => state.txns.get(appId)?.version,
    get schema() {
      return schemaOf(state.metadata, { table, version: state.version });
    },
    get recordCount() {
      recordCount ??= { value: countRecords(state.files.values()) };
      return recordCount.value;
    },
    files(where) {
      files ??= [...state.files.values()];
      if (!where) return files;
      const match = matcher(where, snapshot.schema, snapshot.partitionColumns);
      return files.filter((file) => match.some(file));
    },
  };
  return snapshot;
}

function countRecords(files: Iterable<AddFile>): number | undefined {
  let records = 0;
  for (const file of files) {
    const live = liveRecords(file);
    if (live === undefined) return undefined;
    records += live;
  }
  return records;
}

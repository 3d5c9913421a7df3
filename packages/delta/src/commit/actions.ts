import type { Action, AddFile, CommitInfo, Metadata, RemoveFile } from '../actions.js';
import type { Change } from '../contract.js';
import { fileKey } from '../log/paths.js';
import type { LogState } from '../log/replay.js';
import { isOn } from '../properties.js';

/** What a commit attempt stands on. */
export interface Attempt {
  change: Change;
  /** The newest state: the change lands right after it. */
  state: LogState;
  nowMs: number;
  /** Marks our own commit, to know it again when the store did not say whether it landed. */
  txnId: string;
  engineInfo: string;
}

/** The actions of one attempt, `commitInfo` first, as in-commit timestamps want it. Pure; no I/O. */
export function actionsOf(attempt: Attempt): Action[] {
  const { change, state, nowMs } = attempt;
  const dataChange = change.rearrangesOnly !== true;
  const actions: Action[] = [{ commitInfo: commitInfoOf(attempt) }];
  if (change.protocol) actions.push({ protocol: change.protocol });
  if (change.metadata) actions.push({ metaData: metadataOf(change.metadata, attempt) });
  if (change.txn) {
    const { appId, version } = change.txn;
    actions.push({ txn: { appId, version, lastUpdated: nowMs } });
  }
  for (const domain of change.domains ?? []) actions.push({ domainMetadata: domain });
  for (const file of change.remove ?? []) {
    const live = state.files.get(fileKey(file));
    if (live) actions.push({ remove: removeOf(live, nowMs, dataChange) });
  }
  for (const cdc of change.cdc ?? []) actions.push({ cdc });
  for (const add of change.add ?? []) actions.push({ add: dataChange ? add : { ...add, dataChange } });
  return actions;
}

/** The tombstone of a live file: all that a reader of older versions or of changes may want to know of it. */
function removeOf(file: AddFile, deletionTimestamp: number, dataChange: boolean): RemoveFile {
  const { path, partitionValues, size, stats, tags, deletionVector, baseRowId, defaultRowCommitVersion } =
    file;
  return {
    path,
    deletionTimestamp,
    dataChange,
    extendedFileMetadata: true,
    partitionValues,
    size,
    ...(stats !== undefined && { stats }),
    ...(tags && { tags }),
    ...(deletionVector && { deletionVector }),
    ...(baseRowId !== undefined && { baseRowId }),
    ...(defaultRowCommitVersion !== undefined && { defaultRowCommitVersion }),
  };
}

/** Section "In-Commit Timestamps": strictly greater than the version's before. */
export function inCommitTimestamp(state: LogState, nowMs: number): number {
  return Math.max(nowMs, state.timestampMs + 1);
}

/** A table that gets in-commit timestamps later says from when on: the section's "enablement" properties. */
function metadataOf(metadata: Metadata, { state, nowMs }: Attempt): Metadata {
  if (!isTimed(metadata) || isTimed(state.metadata)) return metadata;
  return {
    ...metadata,
    configuration: {
      ...metadata.configuration,
      'delta.inCommitTimestampEnablementVersion': String(state.version + 1),
      'delta.inCommitTimestampEnablementTimestamp': String(inCommitTimestamp(state, nowMs)),
    },
  };
}

function isTimed({ configuration }: Metadata): boolean {
  return isOn(configuration, 'delta.enableInCommitTimestamps');
}

function commitInfoOf({ change, state, nowMs, txnId, engineInfo }: Attempt): CommitInfo {
  return {
    ...(isTimed(change.metadata ?? state.metadata) && { inCommitTimestamp: inCommitTimestamp(state, nowMs) }),
    timestamp: nowMs,
    operation: change.operation,
    operationParameters: change.operationParameters ?? {},
    ...(change.operationMetrics && { operationMetrics: change.operationMetrics }),
    ...(change.readVersion !== undefined && { readVersion: change.readVersion }),
    isolationLevel: change.rearrangesOnly ? 'SnapshotIsolation' : 'Serializable',
    isBlindAppend: isBlindAppend(change),
    engineInfo,
    txnId,
    ...(change.userMetadata !== undefined && { userMetadata: change.userMetadata }),
  };
}

function isBlindAppend(change: Change): boolean {
  const readsNothing =
    change.read === 'none' || (change.read === undefined && change.readVersion === undefined);
  return (
    readsNothing && (change.add?.length ?? 0) > 0 && (change.remove?.length ?? 0) === 0 && !change.metadata
  );
}

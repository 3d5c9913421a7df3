import type { AddFile, Metadata, Protocol } from '../actions.js';
import type { Change } from '../contract.js';
import { DeltaError } from '../errors.js';
import { checkReadable, checkWritable, hasFeature } from '../log/features.js';
import { canonicalPath, fileKey, isPlausiblePath } from '../log/paths.js';
import type { LogState } from '../log/replay.js';
import { isOn } from '../properties.js';
import { schemaOf } from '../schema-json.js';
import { parseStats } from '../stats.js';

/**
 * Refuses what no version of the table could take: mistakes of the caller, not of the moment.
 * @throws DeltaError of kind `invalid`.
 */
export function checkChange(change: Change, table: string): void {
  const { add = [], remove = [], metadata, protocol, readVersion, txn, rearrangesOnly } = change;
  if (readVersion === undefined && (remove.length > 0 || metadata || protocol)) {
    throw invalid('A change that removes files or changes the table needs its readVersion', table);
  }
  if (rearrangesOnly && (metadata || protocol)) {
    throw invalid('A change that only rearranges rows changes neither metadata nor protocol', table);
  }
  if (txn && !Number.isSafeInteger(txn.version)) {
    throw invalid(`The txn version ${txn.version} is not a whole number`, table);
  }
  checkDistinct(add, 'added', table);
  checkDistinct(remove, 'removed', table);
  for (const file of add) checkAdd(file, table);
}

/**
 * Checks against the state that the change would follow.
 * @returns the reason where the state has moved away from under it; undefined where it may land.
 * @throws DeltaError of kind `unsupported` or `invalid` where the table takes no such change.
 */
export function checkAgainst(change: Change, state: LogState, table: string): string | undefined {
  checkWritable(state.protocol, state.metadata, table);
  const metadata = change.metadata ?? state.metadata;
  if (change.metadata || change.protocol) {
    checkReadable(change.protocol ?? state.protocol, table);
    checkWritable(change.protocol ?? state.protocol, metadata, table);
    schemaOf(metadata, { table });
  }
  const remove = change.remove ?? [];
  if (!change.rearrangesOnly) checkTakes(change, state, table);
  checkFeatures(change, change.protocol ?? state.protocol, table);
  for (const file of change.add ?? []) checkPartition(file, metadata.partitionColumns, table);
  checkNotNull(change.add ?? [], metadata, table);
  for (const file of remove) {
    if (!state.files.has(fileKey(file))) return `the file ${file.path} is not in version ${state.version}`;
  }
  return checkNotThere(change, state, table);
}

/** What the table's properties say about changes of its rows. */
function checkTakes(change: Change, { protocol, metadata }: LogState, table: string): void {
  const { add = [], remove = [], cdc = [] } = change;
  const properties = metadata.configuration;
  if (remove.length > 0 && isOn(properties, 'delta.appendOnly')) {
    throw invalid('The table is append-only (delta.appendOnly)', table);
  }
  const isChecked = change.rowsChecked || add.length === 0;
  const constraint = Object.keys(properties).find((key) => key.startsWith('delta.constraints.'));
  if (!isChecked && constraint && hasFeature(protocol, 'checkConstraints')) {
    throw invalid(`The rows were not checked against ${constraint}: ${properties[constraint]}`, table);
  }
  if (
    !isChecked &&
    metadata.schemaString.includes('"delta.invariants"') &&
    hasFeature(protocol, 'invariants')
  ) {
    throw invalid(
      'The rows were not checked against the invariants of the columns (delta.invariants)',
      table,
    );
  }
  // Only added or only removed rows, and whole replacements, are their own change data: rows that go and rows that come.
  const isReplacement = change.operation === 'WRITE' || change.operation === 'RESTORE';
  const isUpdate = add.length > 0 && remove.length > 0 && !isReplacement;
  if (isUpdate && cdc.length === 0 && isOn(properties, 'delta.enableChangeDataFeed')) {
    throw new DeltaError(
      'unsupported',
      'The table has a change data feed (delta.enableChangeDataFeed), and this change comes without its change data',
      { table },
      'Write it with an engine that has the feature; appending and overwriting are possible.',
    );
  }
}

function checkFeatures(change: Change, protocol: Protocol, table: string): void {
  const needed = [
    (change.domains?.length ?? 0) > 0 && 'domainMetadata',
    change.add?.some((file) => file.deletionVector) && 'deletionVectors',
    (change.cdc?.length ?? 0) > 0 && 'changeDataFeed',
  ];
  for (const feature of needed) {
    if (feature && !hasFeature(protocol, feature)) {
      throw invalid(`The table does not have the feature ${feature}`, table);
    }
  }
}

/** Columns that are not nullable are invariants as well; the statistics show what was let through. */
function checkNotNull(add: readonly AddFile[], metadata: Metadata, table: string): void {
  if (!metadata.schemaString.includes('"nullable":false')) return;
  const required = schemaOf(metadata, { table }).fields.filter(({ nullable }) => !nullable);
  for (const file of add) {
    const { nullCount } = parseStats(file) ?? {};
    const broken = required.find(({ name }) => typeof nullCount?.[name] === 'number' && nullCount[name] > 0);
    if (broken)
      throw invalid(`The file ${file.path} has NULL in the column ${broken.name}`, table, file.path);
  }
}

/** Adding what is there, without removing it, would count for nothing: a name was used twice. */
function checkNotThere(change: Change, state: LogState, table: string): undefined {
  const removed = new Set((change.remove ?? []).map(fileKey));
  for (const file of change.add ?? []) {
    const key = fileKey(file);
    if (state.files.has(key) && !removed.has(key)) {
      throw invalid(`The file ${file.path} is in the table already`, table, file.path);
    }
  }
  return undefined;
}

function checkDistinct(files: readonly { path: string }[], what: string, table: string): void {
  const seen = new Set<string>();
  for (const { path } of files) {
    const key = canonicalPath(path);
    if (seen.has(key)) throw invalid(`The file ${path} is ${what} twice`, table, path);
    seen.add(key);
  }
}

function checkAdd(file: AddFile, table: string): void {
  if (!isPlausiblePath(file.path))
    throw invalid(`Not a path inside the table: ${file.path}`, table, file.path);
  if (!Number.isSafeInteger(file.size) || file.size < 0) {
    throw invalid(`The file ${file.path} has no size`, table, file.path);
  }
}

function checkPartition(file: AddFile, columns: readonly string[], table: string): void {
  const named = Object.keys(file.partitionValues);
  if (named.length === columns.length && columns.every((column) => named.includes(column))) return;
  const wanted = columns.join(', ') || 'none';
  throw invalid(
    `The file ${file.path} has values for the partition columns ${named.join(', ') || 'none'}; the table has ${wanted}`,
    table,
    file.path,
  );
}

function invalid(message: string, table: string, file?: string): DeltaError {
  return new DeltaError('invalid', message, { table, ...(file !== undefined && { file }) });
}

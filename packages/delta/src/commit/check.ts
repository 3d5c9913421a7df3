import type { AddFile } from '../actions.js';
import type { Change } from '../contract.js';
import { DeltaError } from '../errors.js';
import { checkReadable, checkWritable } from '../log/features.js';
import { canonicalPath, fileKey, isPlausiblePath } from '../log/paths.js';
import type { LogState } from '../log/replay.js';
import { parseSchema } from '../schema-json.js';

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
    parseSchema(metadata.schemaString, { table });
  }
  const remove = change.remove ?? [];
  if (remove.length > 0 && !change.rearrangesOnly && isOn(state.metadata.configuration, 'delta.appendOnly')) {
    throw invalid('The table is append-only (delta.appendOnly)', table);
  }
  for (const file of change.add ?? []) checkPartition(file, metadata.partitionColumns, table);
  for (const file of remove) {
    if (!state.files.has(fileKey(file))) return `the file ${file.path} is not in version ${state.version}`;
  }
  return checkNotThere(change, state, table);
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

function isOn(properties: Record<string, string>, name: string): boolean {
  return properties[name]?.toLowerCase() === 'true';
}

function invalid(message: string, table: string, file?: string): DeltaError {
  return new DeltaError('invalid', message, { table, ...(file !== undefined && { file }) });
}

import type { Action, AddFile, CommitInfo, Metadata, Protocol, RemoveFile } from '../actions.js';
import { DeltaError } from '../errors.js';
import { isPlausiblePath } from './paths.js';

/** What is read whole into memory: a commit of a million files has about 500 MB. */
export const COMMIT_BYTES_MAX = 512 * 1024 * 1024;

/** One version's actions in the order of the file. Actions and fields that we do not know are left out. */
export interface Commit {
  version: number;
  /** The file's modification time, or the in-commit timestamp where the commit has one. */
  timestampMs: number;
  actions: readonly Action[];
}

/** Where a commit was found, for errors. */
export interface CommitPlace {
  table: string;
  version: number;
  file: string;
}

/**
 * Reads newline-delimited JSON, as the section "Delta Log Entries" describes it.
 * @throws DeltaError of kind `corrupt`, naming the line.
 */
export function parseCommit(bytes: Uint8Array, place: CommitPlace, modifiedMs: number): Commit {
  const actions: Action[] = [];
  let lineNumber = 0;
  for (const line of lines(bytes, place)) {
    lineNumber++;
    if (line.trim() === '') continue;
    const where = { ...place, line: lineNumber };
    const action = checkAction(parseLine(line, where), where);
    if (action) actions.push(action);
  }
  const info = actions.find((action) => 'commitInfo' in action);
  const inCommit = info?.commitInfo.inCommitTimestamp;
  return {
    version: place.version,
    timestampMs: typeof inCommit === 'number' ? inCommit : modifiedMs,
    actions,
  };
}

export function serializeActions(actions: readonly Action[]): Uint8Array {
  return new TextEncoder().encode(actions.map((action) => `${JSON.stringify(action)}\n`).join(''));
}

/** Null for an action that we do not know, which clients must ignore (section "Protocol Evolution"). */
export function checkAction(value: unknown, where: DeltaError['where']): Action | null {
  if (!isRecord(value)) throw malformed('An action is not an object', where);
  for (const [name, check] of CHECKS) {
    const body = value[name];
    if (body === undefined || body === null) continue;
    if (!isRecord(body)) throw malformed(`The action ${name} is not an object`, where);
    const problem = check(body);
    if (problem) throw malformed(`The action ${name} ${problem}`, where);
    return { [name]: body } as Action;
  }
  return null;
}

/** @throws DeltaError of kind `corrupt` where it is no JSON. */
export function parseLine(line: string, where: DeltaError['where']): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw malformed('Not a line of JSON', where, cause);
  }
}

/** The lines of a file of newline-delimited JSON. @throws DeltaError of kind `corrupt` where it is not UTF-8. */
export function* lines(bytes: Uint8Array, place: CommitPlace): Generator<string> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (cause) {
    throw malformed('The commit is not UTF-8', place, cause);
  }
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start);
    yield end < 0 ? text.slice(start) : text.slice(start, end);
    if (end < 0) return;
    start = end + 1;
  }
}

type Body = Record<string, unknown>;

/** What replay and its readers rely on; undefined where all is well. Missing collections are filled in. */
const CHECKS: readonly [kind: string, check: (body: Body) => string | undefined][] = Object.entries({
  add: (body: Body) => checkFile(body) ?? checkAdd(body as unknown as AddFile),
  remove: (body: Body) => checkFile(body) ?? checkRemove(body as unknown as RemoveFile),
  metaData: (body: Body) => checkMetadata(body as unknown as Metadata),
  protocol: (body: Body) => checkProtocol(body as unknown as Protocol),
  txn: (body: Body) =>
    typeof body.appId === 'string' && isWhole(body.version) ? undefined : 'has no appId or version',
  commitInfo: (body: Body) => {
    // Some writers leave it out; the history shows 0.
    if (typeof body.timestamp !== 'number') (body as CommitInfo).timestamp = 0;
    return undefined;
  },
  domainMetadata: (body: Body) =>
    typeof body.domain === 'string' && typeof body.removed === 'boolean' ? undefined : 'has no domain',
  cdc: (body: Body) => checkFile(body),
});

function checkFile(body: Body): string | undefined {
  if (typeof body.path !== 'string') return 'has no path';
  if (!isPlausiblePath(body.path)) return `names a path outside the table: ${JSON.stringify(body.path)}`;
  const values = body.partitionValues;
  if (values !== undefined && values !== null && !isStringMap(values)) return 'has malformed partitionValues';
  const dv = body.deletionVector;
  if (dv === null) delete body.deletionVector;
  if (dv !== undefined && dv !== null && !isDeletionVector(dv)) return 'has a malformed deletionVector';
  return undefined;
}

function checkAdd(add: AddFile): string | undefined {
  add.partitionValues ??= {};
  if (!isCount(add.size)) return 'has no size';
  if (typeof add.modificationTime !== 'number') return 'has no modificationTime';
  if (add.stats === null) delete add.stats;
  if (add.stats !== undefined && typeof add.stats !== 'string') return 'has malformed stats';
  return undefined;
}

function checkRemove(remove: RemoveFile): string | undefined {
  const at = remove.deletionTimestamp;
  if (at !== undefined && at !== null && typeof at !== 'number') return 'has a malformed deletionTimestamp';
  return undefined;
}

function checkMetadata(metadata: Metadata): string | undefined {
  if (typeof metadata.schemaString !== 'string') return 'has no schemaString';
  metadata.configuration ??= {};
  metadata.partitionColumns ??= [];
  metadata.format ??= { provider: 'parquet', options: {} };
  if (!isStringMap(metadata.configuration)) return 'has a malformed configuration';
  if (!isStrings(metadata.partitionColumns)) return 'has malformed partitionColumns';
  return undefined;
}

function checkProtocol(protocol: Protocol): string | undefined {
  if (!isCount(protocol.minReaderVersion) || !isCount(protocol.minWriterVersion)) return 'has no versions';
  for (const name of ['readerFeatures', 'writerFeatures'] as const) {
    if (protocol[name] === null) delete protocol[name];
    if (protocol[name] !== undefined && !isStrings(protocol[name])) return `has malformed ${name}`;
  }
  return undefined;
}

function isDeletionVector(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { storageType, pathOrInlineDv, sizeInBytes, cardinality, offset } = value;
  return (
    (storageType === 'u' || storageType === 'i' || storageType === 'p') &&
    typeof pathOrInlineDv === 'string' &&
    isCount(sizeInBytes) &&
    isCount(cardinality) &&
    (offset === undefined || offset === null || isCount(offset))
  );
}

function isStringMap(value: unknown): boolean {
  if (!isRecord(value)) return false;
  for (const name of Object.keys(value)) {
    if (value[name] !== null && typeof value[name] !== 'string') return false;
  }
  return true;
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isWhole(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value);
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

function malformed(what: string, where: DeltaError['where'], cause?: unknown): DeltaError {
  return new DeltaError('corrupt', what, where, undefined, { cause });
}

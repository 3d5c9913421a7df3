/** The names of the files in `_delta_log`, as the protocol's section "File Types" gives them. */
export type LogFile =
  | { kind: 'commit'; version: number }
  /** `n.checkpoint.parquet`, by the V1 or V2 spec. */
  | { kind: 'checkpoint'; version: number }
  | { kind: 'checkpoint-part'; version: number; part: number; parts: number }
  /** `n.checkpoint.<uuid>.json|parquet`, by the V2 spec. */
  | { kind: 'checkpoint-v2'; version: number; format: 'json' | 'parquet' }
  | { kind: 'compacted'; version: number; toVersion: number }
  | { kind: 'crc'; version: number };

const PATTERN =
  /^(\d{20})\.(?:(json)|(crc)|(\d{20})\.compacted\.json|checkpoint\.parquet|checkpoint\.(\d{10})\.(\d{10})\.parquet|checkpoint\.[0-9a-zA-Z-]+\.(json|parquet))$/;

/** Null for what is none of the log's files. */
export function parseLogFileName(name: string): LogFile | null {
  const match = PATTERN.exec(name);
  if (!match) return null;
  const version = Number(match[1]);
  if (!Number.isSafeInteger(version)) return null;
  if (match[2]) return { kind: 'commit', version };
  if (match[3]) return { kind: 'crc', version };
  if (match[4]) return { kind: 'compacted', version, toVersion: Number(match[4]) };
  if (match[5] && match[6]) {
    return { kind: 'checkpoint-part', version, part: Number(match[5]), parts: Number(match[6]) };
  }
  if (match[7]) return { kind: 'checkpoint-v2', version, format: match[7] === 'json' ? 'json' : 'parquet' };
  return { kind: 'checkpoint', version };
}

/** Where a table's log lies in its store. `table` is the table's path, or empty for the store's root. */
export function logFolder(table: string): string {
  return table === '' ? '_delta_log' : `${table}/_delta_log`;
}

/**
 * Begins the paths of commits and checkpoints and of nothing else: a version is a 64-bit number padded to 20
 * digits, so its first digit is 0, and `_last_checkpoint` and the sidecars stay out of the listing.
 */
export function logPrefix(table: string): string {
  return `${logFolder(table)}/0`;
}

export function commitPath(table: string, version: number): string {
  return `${versionPath(table, version)}.json`;
}

export function checkpointPath(table: string, version: number): string {
  return `${versionPath(table, version)}.checkpoint.parquet`;
}

export function checkpointV2Path(table: string, version: number, uuid: string): string {
  return `${versionPath(table, version)}.checkpoint.${uuid}.parquet`;
}

export function sidecarPath(table: string, name: string): string {
  return `${logFolder(table)}/_sidecars/${name}`;
}

export function lastCheckpointPath(table: string): string {
  return `${logFolder(table)}/_last_checkpoint`;
}

/** Sorts right before everything that belongs to the version: where a listing starts after. */
export function versionPath(table: string, version: number): string {
  return `${logFolder(table)}/${String(version).padStart(20, '0')}`;
}

import type { DeletionVectorDescriptor } from '../actions.js';
import { DeltaError } from '../errors.js';

/**
 * Identifies a logical file: the section "Action Reconciliation" keys on the path and the deletion vector's unique id.
 */
export function fileKey(file: { path: string; deletionVector?: DeletionVectorDescriptor | null }): string {
  const path = canonicalPath(file.path);
  return file.deletionVector ? `${path}\0${deletionVectorId(file.deletionVector)}` : path;
}

/** `deletionVector.uniqueId`, the section "Deletion Vector Descriptor Schema", "Derived Fields". */
export function deletionVectorId(dv: DeletionVectorDescriptor): string {
  const id = `${dv.storageType}${dv.pathOrInlineDv}`;
  return dv.offset === undefined || dv.offset === null ? id : `${id}@${dv.offset}`;
}

/**
 * The same file may be written with another escaping, as `/x`, `file:/x` and `file:///x`, or with one of Hadoop's
 * names for S3.
 */
export function canonicalPath(path: string): string {
  const decoded = path.includes('%') ? decodeUri(path) : path;
  if (decoded.startsWith('file:/')) return decoded.replace(/^file:\/*/, '/');
  return decoded.startsWith('s3') ? decoded.replace(/^s3[an]:/, 's3:') : decoded;
}

/**
 * The path of a data file in the store. Nothing outside of the table is followed, so that a log, however hostile, makes
 * nobody read what its own folder does not hold.
 * @param path as an action has it: relative to the table and URL-encoded, or an absolute URI.
 * @param table the table's path in the store.
 * @throws DeltaError of kind `corrupt` where it leads out of the table.
 */
export function dataFilePath(storeUrl: string, table: string, path: string): string {
  const inside = isAbsolute(path) ? belowTable(storeUrl, table, path) : decodeUri(path);
  if (inside === null || inside.includes('\0') || !staysInside(inside)) {
    throw new DeltaError(
      'corrupt',
      `The log names a file outside the table: ${JSON.stringify(path)}`,
      { table, file: path },
      'Only files below the table are read; a shallow clone has to be read with the engine that made it.',
    );
  }
  // As file systems read a path: `a//./b` is `a/b`.
  const names = inside.split('/').filter((name) => name !== '' && name !== '.');
  return [...(table === '' ? [] : [table]), ...names].join('/');
}

/** What an action's relative path looks like for a file of the store: URL-encoded, `/` kept. */
export function encodeDataPath(path: string): string {
  return path.split('/').map(encodeSegment).join('/');
}

/** Whether a log may hold the path at all: absolute (whoever reads it decides), or one that stays in the table. */
export function isPlausiblePath(path: string): boolean {
  if (path === '' || path.includes('\0')) return false;
  if (isAbsolute(path)) return true;
  // The common case pays for no decoding.
  if (!path.includes('%') && !path.includes('..') && !path.includes('\\')) return true;
  return staysInside(decodeUri(path));
}

export function isAbsolute(path: string): boolean {
  return path.startsWith('/') || /^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(path);
}

function belowTable(storeUrl: string, table: string, path: string): string | null {
  const root = canonicalPath(storeUrl).replace(/\/+$/, '');
  const folder = table === '' ? `${root}/` : `${root}/${table}/`;
  const absolute = canonicalPath(path);
  return absolute.startsWith(folder) ? absolute.slice(folder.length) : null;
}

function staysInside(path: string): boolean {
  return !path.split(/[/\\]/).includes('..');
}

/** Leaves what is no valid escape as it is, as Hadoop's paths do. */
function decodeUri(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** RFC 2396's unreserved characters, and `=` as Hive-style folders have it, stay readable. */
function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replaceAll('%3D', '=');
}

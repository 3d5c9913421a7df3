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
 * The path of a data file in the store. Relative ones are below the table, absolute ones may be beside it, as those of
 * a shallow clone are; neither is followed out of the store.
 * @param path as an action has it: relative to the table and URL-encoded, or an absolute URI.
 * @param table the table's path in the store.
 * @throws DeltaError of kind `corrupt` where it leads out of the table, or out of the store.
 */
export function dataFilePath(storeUrl: string, table: string, path: string): string {
  const absolute = isAbsolute(path);
  const inside = absolute ? belowRoot(storeUrl, path) : decodeUri(path);
  if (inside === null || !staysInside(inside)) {
    throw new DeltaError(
      'corrupt',
      `The log names a file outside ${absolute ? `the store ${storeUrl}` : 'the table'}: ${JSON.stringify(path)}`,
      { table, file: path },
      absolute
        ? 'Open the table on a store whose root holds that file too.'
        : 'No writer makes such a path: the log has been tampered with.',
    );
  }
  return absolute || table === '' ? inside : `${table}/${inside}`;
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

function isAbsolute(path: string): boolean {
  return path.startsWith('/') || /^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(path);
}

function belowRoot(storeUrl: string, path: string): string | null {
  const root = `${canonicalPath(storeUrl).replace(/\/+$/, '')}/`;
  const absolute = canonicalPath(path);
  return absolute.startsWith(root) ? absolute.slice(root.length) : null;
}

function staysInside(path: string): boolean {
  return !path.split(/[/\\]/).some((segment) => segment === '..' || segment === '.' || segment === '');
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

import { createHash } from 'node:crypto';
import { lastCheckpointPath } from '../log/names.js';
import { compareUtf8 } from '../store/path.js';
import type { Store } from '../store.js';

/** The section "Last Checkpoint File Schema". A hint only: whoever reads it checks what the log really has. */
export interface LastCheckpoint {
  version: number;
  /** Actions in the checkpoint. */
  size: number;
  parts?: number;
  sizeInBytes?: number;
  numOfAddFiles?: number;
}

/** Larger is no pointer: the schema that some writers put in has a few hundred kilobytes at most. */
const POINTER_BYTES_MAX = 16 * 1024 * 1024;

/** Null where it is missing, cut off, or not what its checksum says: then the log is listed from its beginning. */
export async function readLastCheckpoint(store: Store, table: string): Promise<LastCheckpoint | null> {
  try {
    const bytes = await store.get(lastCheckpointPath(table), { start: 0, end: POINTER_BYTES_MAX });
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof value !== 'object' || value === null) return null;
    const { version, checksum } = value as { version?: unknown; checksum?: unknown };
    if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 0) return null;
    if (typeof checksum === 'string' && checksum !== checksumOf(value)) return null;
    return value as LastCheckpoint;
  } catch {
    // Whatever is wrong with the pointer, the listing tells; if the store itself is away, it tells that as well.
    return null;
  }
}

export async function writeLastCheckpoint(
  store: Store,
  table: string,
  pointer: LastCheckpoint,
): Promise<void> {
  const text = JSON.stringify({ ...pointer, checksum: checksumOf(pointer) });
  await store.put(lastCheckpointPath(table), new TextEncoder().encode(text));
}

/** MD5 of the canonical form: the section "JSON checksum", which has a test vector. */
export function checksumOf(value: object): string {
  return createHash('md5').update(canonicalJson(value)).digest('hex');
}

export function canonicalJson(value: object): string {
  const { checksum: _, ...rest } = value as Record<string, unknown>;
  return leaves(rest, '', 0)
    .sort(([a], [b]) => compareUtf8(a, b))
    .map(([path, leaf]) => `${path}=${leaf}`)
    .join(',');
}

const DEPTH_MAX = 100;

function leaves(value: unknown, path: string, depth: number): [path: string, leaf: string][] {
  if (depth > DEPTH_MAX) throw new RangeError(`Nested deeper than ${DEPTH_MAX}`);
  const below = (name: string): string => (path === '' ? name : `${path}+${name}`);
  if (Array.isArray(value)) return value.flatMap((item, i) => leaves(item, below(String(i)), depth + 1));
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([name, item]) => leaves(item, below(quoted(name)), depth + 1));
  }
  return [[path, typeof value === 'string' ? quoted(value) : String(value)]];
}

/** RFC 3986's unreserved characters stay; encodeURIComponent leaves five more. */
function quoted(text: string): string {
  const encoded = encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `"${encoded}"`;
}

import { StoreError } from '../store.js';

/**
 * Keeps a path inside the store: relative, without `..`, `.`, empty segments, backslashes or NUL.
 * Every implementation calls it, so that no log, however hostile, names something outside.
 * @throws StoreError of kind `forbidden`.
 */
export function checkStorePath(path: string): void {
  if (!isStorePath(path)) {
    throw new StoreError('forbidden', `Not a path inside the store: ${JSON.stringify(path)}`, path);
  }
}

export function isStorePath(path: string): boolean {
  return path !== '' && !path.includes('\0') && !path.includes('\\') && !path.split('/').some(isBadSegment);
}

/** The same for the prefix of a listing, which may be empty or end with `/`. */
export function checkStorePrefix(prefix: string): void {
  const path = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
  if (path !== '') checkStorePath(path);
}

/** Store listings are sorted as UTF-8 bytes, as S3 does; JavaScript's own order is by UTF-16 unit. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return utf8Rank(x) - utf8Rank(y);
  }
  return a.length - b.length;
}

/** Surrogates (from U+10000 on) come after U+E000 to U+FFFF in UTF-8, before them in UTF-16. */
function utf8Rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

function isBadSegment(segment: string): boolean {
  return segment === '' || segment === '.' || segment === '..';
}

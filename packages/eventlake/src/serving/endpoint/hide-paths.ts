import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { ClickHouseException } from './errors.js';

/** Bounds, because a message may hold what a reader wrote: looking for more would take quadratic time. */
const SCHEME_MAX = 20;
const SLASHES_MAX = 8;

/**
 * Takes from messages for readers what tells where things lie on this machine: the engine names files in its errors.
 * Paths below `folders`, the home folder and the program's own are replaced, however they are spelled: whole, or
 * relative to the root, where the process lives. Addresses of an object store that begin with one of `urls`, and what the
 * store has answered, are replaced as well: it repeats the request, access key included.
 */
export function pathHider(
  folders: readonly string[],
  urls: readonly string[] = [],
): (error: ClickHouseException) => ClickHouseException {
  const addresses = urls.map((url) => `(?<![\\w.-])${escaped(url)}[^\\s'"\`]*`);
  const answers = urls.length > 0 ? ['<\\?xml[\\s\\S]*', '<Error>[\\s\\S]*', "in bucket '[^']*'"] : [];
  const roots = [...folders, homedir(), process.cwd()]
    .flatMap((folder) => [folder, realPath(folder)])
    .map((folder) => folder.replace(/\/+$/, '').replace(/^\//, ''))
    .filter((folder) => folder !== '')
    .sort((a, b) => b.length - a.length);
  // A single word is a path only behind a slash.
  const unique = [...new Set(roots)].map(
    (root) => `/{${root.includes('/') ? 0 : 1},${SLASHES_MAX}}${escaped(root)}`,
  );
  const rest = '(?![\\w.-])(?:/[^\\s\'"`,;:)\\]]*)?';
  const paths = `(?:[a-z0-9+]{1,${SCHEME_MAX}}:)?(?:${unique.join('|')})${rest}`;
  const pattern = new RegExp([...answers, ...addresses, paths].join('|'), 'g');
  return (error) => {
    const message = error.message.replace(pattern, '…');
    return message === error.message
      ? error
      : new ClickHouseException(error.code, error.codeName, message, error.status);
  };
}

function realPath(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

import { statfsSync } from 'node:fs';
import { EventlakeError } from '../../errors.js';

/** What LMDB or the file system says, in our terms. */
export function logError(error: unknown, dir: string): EventlakeError {
  if (error instanceof EventlakeError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const is = (pattern: RegExp) => pattern.test(`${(error as { code?: unknown }).code} ${text}`);
  const made = (kind: EventlakeError['kind'], message: string, hint: string) =>
    new EventlakeError(kind, `${message}: ${text}`, { file: dir }, hint, { cause: error });
  if (is(/ENOSPC|EDQUOT|EFBIG|no space left|quota exceeded|file too large/i)) return full(made);
  if (is(/EIO|input\/output error/i)) {
    // LMDB reports a write that came to an end half-way as an input/output error: mostly that is a full disk.
    if (freeBytes(dir) < NEARLY_FULL_BYTES) return full(made);
    return made(
      'unavailable',
      'The event log could not be written',
      'Look for a quota, a limit on the size of files, or a failing disk. Everything acknowledged is there; the append that failed left nothing behind.',
    );
  }
  if (is(/EACCES|EPERM|EROFS|permission denied|not permitted|read-only/i)) {
    return made(
      'unavailable',
      'The folder of the event log cannot be written',
      'Give this user the right to write there, or choose another --data-dir.',
    );
  }
  if (is(/ENOTDIR|EEXIST|EISDIR|not a directory|is a directory|file exists/i)) {
    return made(
      'invalid',
      'The event log needs a folder, but something else is there',
      'Move it away, or choose another --data-dir.',
    );
  }
  if (is(/MDB_PANIC/)) {
    return made(
      'unavailable',
      'The disk of the event log failed while a transaction was completed',
      'Look after the disk, then start this process again.',
    );
  }
  if (is(/MDB_READERS_FULL/)) {
    return made('limit', 'Too many processes read the event log', 'Stop some of them.');
  }
  if (is(/MDB_(INVALID|CORRUPTED|PAGE_NOTFOUND|VERSION_MISMATCH)/)) {
    return made(
      'corrupt',
      'The event log is damaged, or no event log',
      'Restore the folder from a copy, or move it away to begin with an empty log.',
    );
  }
  return made('internal', 'The event log failed', 'Please report this with the message above.');
}

const NEARLY_FULL_BYTES = 128 * 1024 * 1024;

type Made = (kind: EventlakeError['kind'], message: string, hint: string) => EventlakeError;

function full(made: Made): EventlakeError {
  return made(
    'unavailable',
    'The disk of the event log is full',
    'Free space and go on: everything acknowledged is there, the append that failed left nothing behind.',
  );
}

/** Free for this user, as far as the file system tells. */
export function freeBytes(dir: string): number {
  try {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

import { EventlakeError } from '../../errors.js';

/** What LMDB or the file system says, in our terms. */
export function logError(error: unknown, dir: string): EventlakeError {
  if (error instanceof EventlakeError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const is = (pattern: RegExp) => pattern.test(`${(error as { code?: unknown }).code} ${text}`);
  const made = (kind: EventlakeError['kind'], message: string, hint: string) =>
    new EventlakeError(kind, `${message}: ${text}`, { file: dir }, hint, { cause: error });
  if (is(/ENOSPC|EDQUOT|EFBIG|no space left|quota exceeded|file too large/i)) {
    return made(
      'unavailable',
      'The disk of the event log is full',
      'Free space and go on: everything acknowledged is there, the append that failed left nothing behind.',
    );
  }
  if (is(/EACCES|EPERM|EROFS|permission denied|not permitted|read-only/i)) {
    return made(
      'unavailable',
      'The folder of the event log cannot be written',
      'Give this user the right to write there, or choose another --data-dir.',
    );
  }
  if (is(/ENOTDIR|EEXIST|not a directory|file exists/i)) {
    return made(
      'invalid',
      'The event log needs a folder, but something else is there',
      'Move it away, or choose another --data-dir.',
    );
  }
  if (is(/MDB_READERS_FULL/)) {
    return made('limit', 'Too many processes read the event log', 'Stop some of them.');
  }
  if (is(/MDB_(INVALID|CORRUPTED|PAGE_NOTFOUND|PANIC|VERSION_MISMATCH|BAD_TXN)/)) {
    return made(
      'corrupt',
      'The event log is damaged, or no event log',
      'Restore the folder from a copy, or move it away to begin with an empty log.',
    );
  }
  return made('internal', 'The event log failed', 'Please report this with the message above.');
}

import { type ErrorKind, EventlakeError, type Where } from '../../errors.js';
import { wrapErrors as wrapDeltaErrors } from '../delta/errors.js';

/** Runs it, and turns what DuckDB, the Delta log or the store throw into errors of ours, with the place. */
export function wrapErrors<T>(where: Where, run: () => Promise<T>): Promise<T> {
  return wrapDeltaErrors(where, run, fromDuckDb);
}

/** DuckDB's errors are texts that begin with their kind; the file system's have the same words in them. */
function fromDuckDb(error: Error, where: Where): EventlakeError {
  const { message } = error;
  const file = /(?:file|pattern|open|file system error:.*?) ["'](\/[^"']+)["']/i.exec(message)?.[1];
  const isData = file?.endsWith('.parquet') ?? false;
  const place = file === undefined ? where : { ...where, file };
  const make = (kind: ErrorKind, text: string, hint?: string) =>
    new EventlakeError(kind, text, place, hint, { cause: error });

  if (/No space left on device|max_temp_directory_size/i.test(message)) {
    return make(
      'unavailable',
      'The disk is full',
      'Free some space; nothing is lost, and work goes on from there.',
    );
  }
  if (message.startsWith('Out of Memory Error')) {
    return make('limit', `DuckDB is out of memory: ${firstLine(message)}`, 'Raise duckdb.memoryMb.');
  }
  if (/Permission denied|Read-only file system/i.test(message)) {
    return make(
      'unavailable',
      `A file cannot be written: ${firstLine(message)}`,
      'Check who owns the folder.',
    );
  }
  if (isData && /^(IO|Invalid|Invalid Input|Serialization|TransactionContext) Error/.test(message)) {
    return make(
      'corrupt',
      `A data file is missing or damaged: ${firstLine(message)}`,
      'Restore the file from a backup, or the table to a version that does not need it.',
    );
  }
  if (/^(Parser|Binder|Catalog|Conversion|Invalid Input|Out of Range) Error/.test(message)) {
    return make('invalid', firstLine(message));
  }
  return make('internal', firstLine(message));
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0]!;
}

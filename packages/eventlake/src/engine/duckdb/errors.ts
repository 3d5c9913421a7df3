import { DeltaError, type DeltaErrorKind, StoreError, type StoreErrorKind } from '@eventlake/delta';
import { type ErrorKind, EventlakeError, type Where } from '../../errors.js';

/** Runs it, and turns what DuckDB, the Delta log or the store throw into errors of ours, with the place. */
export async function wrapErrors<T>(where: Where, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw asEventlakeError(error, where);
  }
}

function asEventlakeError(error: unknown, where: Where): unknown {
  if (error instanceof EventlakeError) return error;
  if (error instanceof DeltaError) {
    const { file } = error.where;
    const place = file === undefined ? where : { ...where, file };
    return new EventlakeError(deltaKinds[error.kind], error.message, place, error.hint, { cause: error });
  }
  if (error instanceof StoreError) {
    const place = { ...where, file: error.path };
    return new EventlakeError(storeKinds[error.kind], error.message, place, error.hint, { cause: error });
  }
  return error instanceof Error ? fromDuckDb(error, where) : error;
}

const deltaKinds: Record<DeltaErrorKind, ErrorKind> = {
  'not-a-table': 'not-found',
  'already-exists': 'invalid',
  'no-such-version': 'not-found',
  corrupt: 'corrupt',
  unsupported: 'invalid',
  invalid: 'invalid',
  contention: 'busy',
};

const storeKinds: Record<StoreErrorKind, ErrorKind> = {
  'not-found': 'not-found',
  forbidden: 'forbidden',
  full: 'unavailable',
  unavailable: 'unavailable',
  unsupported: 'invalid',
  corrupt: 'corrupt',
};

/** DuckDB's errors are texts that begin with their kind. */
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

import { EventlakeError, type Where } from '../../errors.js';
import { wrapErrors as wrapDeltaErrors } from '../delta/errors.js';

/** Runs it, and turns what the Delta log or the store throw into errors of ours; Spark's own get the place. */
export async function wrapErrors<T>(where: Where, run: () => Promise<T>): Promise<T> {
  try {
    return await wrapDeltaErrors(where, run, other);
  } catch (error) {
    if (!(error instanceof EventlakeError) || !(error.cause instanceof Error)) throw error;
    const { kind, message, hint, cause } = error;
    throw new EventlakeError(kind, message, { ...where, ...error.where }, hint, { cause });
  }
}

/** Spark's errors are ours already (`connect/errors.ts`): what is left is the file system's, or a bug. */
function other(error: Error, where: Where): EventlakeError {
  const isFull = 'code' in error && ['ENOSPC', 'EDQUOT'].includes(String(error.code));
  return isFull
    ? new EventlakeError('unavailable', 'The disk is full', where, 'Free some space.', { cause: error })
    : new EventlakeError('internal', error.message, where, undefined, { cause: error });
}

import { EventlakeError, type Where } from '../../errors.js';
import { wrapErrors as wrapStoreErrors } from '../duckdb/errors.js';

/** Runs it, and turns what the Delta log or the store throw into errors of ours; Spark's own get the place. */
export async function wrapErrors<T>(where: Where, run: () => Promise<T>): Promise<T> {
  try {
    return await wrapStoreErrors(where, run);
  } catch (error) {
    if (!(error instanceof EventlakeError) || !(error.cause instanceof Error)) throw error;
    const { kind, message, hint, cause } = error;
    throw new EventlakeError(kind, message, { ...where, ...error.where }, hint, { cause });
  }
}

import { DeltaError, type DeltaErrorKind, StoreError, type StoreErrorKind } from '@eventlake/delta';
import { type ErrorKind, EventlakeError, type Where } from '../../errors.js';

/**
 * Runs it, and turns what the Delta log or the store throw into errors of ours, with the place.
 * @param fromEngine what the engine throws
 */
export async function wrapErrors<T>(
  where: Where,
  run: () => Promise<T>,
  fromEngine: (error: Error, where: Where) => EventlakeError,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw asEventlakeError(error, where) ?? (error instanceof Error ? fromEngine(error, where) : error);
  }
}

function asEventlakeError(error: unknown, where: Where): EventlakeError | undefined {
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
  return undefined;
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

import { EventlakeError } from '../errors.js';
import type { JobName } from './job.js';

/**
 * What a start finds: the newest plan, and how far the main table has come. They differ by one batch at most, the one
 * that was under way; anything else is not the doing of a crash.
 * @param heal What the user can do about a table that lacks batches.
 * @throws EventlakeError `corrupt` where plans are gone, `data-loss` where the table lacks more than the newest batch.
 */
export function refuseSetBack(
  job: JobName,
  table: string,
  committed: number,
  planned: number,
  heal: string,
): void {
  const where = { job, table, batch: committed };
  if (committed > planned) {
    throw new EventlakeError(
      'corrupt',
      `${table} has batch ${committed} of ${job}, but the newest plan is ${planned === 0 ? 'none' : planned}`,
      where,
      'The folder `checkpoints` belongs to the tables beside it: restore it together with them.',
    );
  }
  if (committed >= planned - 1) return;
  throw new EventlakeError(
    'data-loss',
    `${table} ends with batch ${committed} of ${job}, but batch ${planned - 1} had been committed`,
    where,
    `The table was set back or removed. ${heal}`,
  );
}

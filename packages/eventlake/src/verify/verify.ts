import type { JobContext } from '../jobs/job.js';
import { type Counting, inSession } from './counting.js';
import { bronzeAgain, goldAgain, silverAgain } from './deep.js';
import { verifyLive } from './live.js';
import { verifyLiveDeep } from './live-deep.js';
import { verifyMirrors } from './mirrors.js';
import { readPositions } from './positions.js';
import type { VerifyReport } from './report.js';
import { verifyTables } from './tables.js';

export type { Check, VerifyReport } from './report.js';

export interface VerifyOptions {
  /** Recount from the data instead of trusting any counter, and compare row by row. */
  deep?: boolean;
}

/**
 * The ledger: what went into each step is what came out of it, counted independently on either side, each table at the
 * position that its job has committed, so that lag is no error. Reads only; jobs may go on meanwhile.
 *
 * Costs what is new: history is counted by statistics. `deep` costs as much as making the tables again.
 */
export async function verify(context: JobContext, options: VerifyOptions = {}): Promise<VerifyReport> {
  const startedMs = performance.now();
  const deep = options.deep ?? false;
  // Each group in a session of its own: what one has named and buffered is let go before the next.
  const part = <T>(work: (counting: Counting) => Promise<T>) => inSession(context, work);
  // The live tables first: what comes before them in the flow can only be further.
  const live = await part((counting) => verifyLive(counting, () => readPositions(context)));
  const positions = await readPositions(context);
  const checks = [
    ...(await part((counting) => verifyTables(counting, positions))),
    ...live,
    ...(await part((counting) => verifyMirrors(counting, positions))),
  ];
  if (deep) {
    checks.push(
      await part((counting) => bronzeAgain(counting, positions)),
      ...(await part((counting) => silverAgain(counting, positions))),
      ...(await part((counting) => goldAgain(counting, positions))),
      ...(await part((counting) => verifyLiveDeep(counting, () => readPositions(context)))),
    );
  }
  const ok = checks.every(({ status }) => status !== 'mismatch');
  return { ok, deep, checks, durationMs: performance.now() - startedMs };
}

import type { JobContext } from '../../packages/eventlake/src/jobs/job.js';
import { runJob } from '../../packages/eventlake/src/jobs/loop.js';
import { rawLanding } from '../../packages/eventlake/src/jobs/raw-landing.js';

/** Lands what is in the log. */
export const land = (context: JobContext): Promise<void> =>
  runJob(rawLanding(context), context, { intervalMs: 1, once: true });

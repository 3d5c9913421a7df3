import { recordChecks, reportHealth } from '../../packages/eventlake/src/health.js';
import { bronzeToSilver } from '../../packages/eventlake/src/jobs/bronze-to-silver.js';
import { fastAgg } from '../../packages/eventlake/src/jobs/fast-agg.js';
import type { JobContext } from '../../packages/eventlake/src/jobs/job.js';
import { runJob } from '../../packages/eventlake/src/jobs/loop.js';
import { rawLanding } from '../../packages/eventlake/src/jobs/raw-landing.js';
import { silverToGold } from '../../packages/eventlake/src/jobs/silver-to-gold.js';
import { verify } from '../../packages/eventlake/src/verify/verify.js';
import { at, event, records } from '../jobs/events.js';
import { NOON_MS, openLake, openServing } from '../jobs/lake.js';

const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;

/**
 * Everything that the dashboards read, from eight events a minute apart, one of them sent twice, one late, one that is
 * broken, and two more on the next day.
 */
export async function fillDashboards(): Promise<{ url: string; close(): Promise<void> }> {
  const opened = await openServing();
  const lake = await openLake({ serving: opened.serving, partitions: 1 });
  const timed = (n: number, ms: number) => event(n, { timestamp: at(NOON_MS + ms) });
  lake.clock.ms = NOON_MS + 8 * MINUTE_MS;
  await lake.append(
    records([
      timed(0, 0),
      timed(0, 0),
      '{',
      ...[1, 2, 3, 4, 5, 6, 7].map((n) => timed(n, n * MINUTE_MS)),
      timed(8, 0),
    ]),
  );
  lake.clock.ms = NOON_MS + DAY_MS + MINUTE_MS;
  await lake.append(records([timed(9, DAY_MS), timed(10, DAY_MS)]));
  for (const make of [rawLanding, bronzeToSilver, silverToGold, fastAgg]) {
    await runJob(make(lake.context), lake.context, { intervalMs: 0, once: true });
  }
  const now: JobContext = { ...lake.context, now: Date.now };
  await reportHealth(now).stop();
  await recordChecks(now, await verify(lake.context));
  return {
    url: opened.serving.url,
    close: async () => {
      await lake.close();
      await opened.close();
    },
  };
}

import { bronzeToSilver } from '../../packages/eventlake/src/jobs/bronze-to-silver.js';
import { runJob } from '../../packages/eventlake/src/jobs/loop.js';
import { type SilverToGoldOptions, silverToGold } from '../../packages/eventlake/src/jobs/silver-to-gold.js';
import type { Serving } from '../../packages/eventlake/src/serving/serving.js';
import { records, type ShopEvent } from './events.js';
import type { Lake } from './lake.js';
import { land } from './landing.js';
import { layerOf, rollupsOf } from './tables.js';

const once = { intervalMs: 1, once: true };

export const landed = (events: readonly (ShopEvent | string)[]) => async (lake: Lake) => {
  await lake.append(records(events));
  await land(lake.context);
};

export const toSilver = (lake: Lake) => runJob(bronzeToSilver(lake.context), lake.context, once);

export const toGold = (lake: Lake, options: SilverToGoldOptions = {}) =>
  runJob(silverToGold(lake.context, options), lake.context, once);

export const goldOf = async (lake: Lake) => ({
  ...(await layerOf(lake.context, 'gold')),
  ...(await rollupsOf(lake.context)),
});

export async function mirrorsOf(serving: Serving): Promise<unknown[]> {
  const tables = ['daily_active_users', 'events_per_source_daily', 'conversion_rate_daily', 'top_pages'];
  return Promise.all(
    tables.map((table) => serving.query(`SELECT * EXCEPT updated_at FROM gold.${table} ORDER BY ALL`)),
  );
}

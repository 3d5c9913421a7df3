import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bronzeToSilver } from '../../packages/eventlake/src/jobs/bronze-to-silver.js';
import { runJob } from '../../packages/eventlake/src/jobs/loop.js';
import { event } from './events.js';
import { goldOf, landed, toGold, toSilver } from './gold.js';
import { type Lake, openLake } from './lake.js';
import { layerOf } from './tables.js';

let lake: Lake;
beforeEach(async () => {
  lake = await openLake();
  for (const n of [1, 2, 3]) {
    await landed([event(n), event(n + 10), event(1)])(lake);
    await toSilver(lake);
    await toGold(lake);
  }
});
afterEach(() => lake.close());

const lose = (path: string) => rm(join(lake.context.settings.lakehouse, path), { recursive: true });

it('a silver that was lost is noticed, and made whole from bronze by a refresh', async () => {
  const before = await layerOf(lake.context, 'silver');
  await lose('silver/user_events');
  await expect(toSilver(lake)).rejects.toMatchObject({
    kind: 'data-loss',
    hint: expect.stringContaining('--full-refresh'),
  });
  await runJob(bronzeToSilver(lake.context, { fullRefresh: true }), lake.context, {
    intervalMs: 1,
    once: true,
  });
  expect(await layerOf(lake.context, 'silver')).toEqual(before);
  await landed([event(1), event(4)])(lake);
  await toSilver(lake);
  expect((await layerOf(lake.context, 'silver'))['silver.user_events']).toHaveLength(7);
});

it('a gold that was lost is noticed, and made whole from silver by a refresh', async () => {
  const before = await goldOf(lake);
  await lose('gold/fact_events');
  await lose('rollup/day_visitors');
  await expect(toGold(lake)).rejects.toMatchObject({
    kind: 'data-loss',
    hint: expect.stringContaining('--full-refresh'),
  });
  await toGold(lake, { fullRefresh: true });
  expect(await goldOf(lake)).toEqual(before);
});

it('a set that lacks batches, as one that was declared only now, is not gone on with: gold is made anew', async () => {
  const before = await goldOf(lake);
  await lose('rollup/page_visitors');
  await lose('rollup/page_counts');
  await landed([event(2), event(3)])(lake);
  await toSilver(lake);
  await toGold(lake);
  expect(await goldOf(lake)).toEqual(before);
});

it('checkpoints that are gone while the tables are there are noticed', async () => {
  await lose('checkpoints/bronze-to-silver');
  await expect(toSilver(lake)).rejects.toMatchObject({ kind: 'corrupt', where: { job: 'bronze-to-silver' } });
  await lose('checkpoints/silver-to-gold');
  await expect(toGold(lake)).rejects.toMatchObject({ kind: 'corrupt', where: { job: 'silver-to-gold' } });
});

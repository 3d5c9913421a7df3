import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runJob } from '../../packages/eventlake/src/jobs/loop.js';
import { silverToGold } from '../../packages/eventlake/src/jobs/silver-to-gold.js';
import type { Serving } from '../../packages/eventlake/src/serving/serving.js';
import { verify } from '../../packages/eventlake/src/verify/verify.js';
import { at, badDay, event, type ShopEvent } from './events.js';
import { goldOf, landed, mirrorsOf, toGold, toSilver } from './gold.js';
import { type Lake, NOON_MS, openLake, servingOfFile } from './lake.js';
import { withMeanwhile } from './live.js';
import { layerOf } from './tables.js';

const serving = await servingOfFile();

async function withLake(work: (lake: Lake) => Promise<void>, options: { serving?: Serving } = {}) {
  const lake = await openLake(options);
  try {
    await work(lake);
  } finally {
    await lake.close();
  }
}

describe('silver-to-gold', () => {
  it('counts users, pages and days', () =>
    withLake(async (lake) => {
      const yesterday = at(NOON_MS - 24 * 3_600_000);
      await arrive(lake, [
        event(1, { user_id: 7, event_type: 'purchase', source: 'web' }),
        event(2, { user_id: 7, event_type: 'click', source: 'mobile' }),
        event(3, { user_id: 8, event_type: 'click', timestamp: yesterday, source: 'web', page: '/home' }),
        event(4, { user_id: null, event_type: 'click', page: '/home', source: 'web' }),
      ]);
      await toGold(lake);
      const tables = await layerOf(lake.context, 'gold');
      const of = (name: string) => tables[`gold.${name}`]!.map((row) => JSON.parse(row));
      expect(of('fact_events')).toHaveLength(4);
      expect(of('dim_users')).toMatchObject([
        { user_id: 7, total_events: 2, source_count: 2 },
        { user_id: 8, total_events: 1, source_count: 1 },
      ]);
      expect(of('dim_pages')[0]).toEqual({
        page: '/home',
        total_events: 2,
        unique_users: 1,
        popularity_rank: 1,
      });
      expect(of('kpi_dau')).toEqual([
        { event_date: '2025-03-09', dau_count: 1 },
        { event_date: '2025-03-10', dau_count: 1 },
      ]);
      expect(of('kpi_conversion_rate')[1]).toMatchObject({
        purchases: 1,
        total_events: 3,
        conversion_rate: 1 / 3,
      });
    }));

  it('gives the same tables however the batches are cut and folded, and when they are refreshed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.array(badDay, { maxLength: 30 }), fc.boolean()), { minLength: 1, maxLength: 6 }),
        async (steps) => {
          await withLake(async (lake) => {
            for (const [events, run] of steps) {
              await arrive(lake, events);
              if (run) await toGold(lake);
            }
            await toGold(lake);
            const incremental = await goldOf(lake);
            await toGold(lake, { fullRefresh: true });
            expect(await goldOf(lake)).toEqual(incremental);
          });
        },
      ),
      { numRuns: 8 },
    );
  }, 300_000);

  it('folds rollups by and by, and they add up to the same', () =>
    withLake(async (lake) => {
      for (let n = 0; n < 8; n++) {
        await arrive(lake, [event(n), event(n + 1000)]);
        await toGold(lake, { foldFilesMax: 3 });
      }
      const { fileCount } = await lake.context.engine.tableState('rollup.day_counts');
      expect(fileCount).toBeLessThan(6);
      const incremental = await goldOf(lake);
      await toGold(lake, { fullRefresh: true });
      expect(await goldOf(lake)).toEqual(incremental);
    }));

  it('publishes at a start what is not there, so that mirrors which were lost or changed are back', () =>
    withLake(
      async (lake) => {
        await arrive(lake, [event(1), event(2)]);
        await toGold(lake);
        const before = await mirrorsOf(serving);
        const parts = () =>
          serving.query(
            `SELECT table, name FROM system.parts WHERE database = 'gold' AND active ORDER BY ALL`,
          );
        const written = await parts();
        await toGold(lake);
        expect(await parts(), 'what is there is not written again').toEqual(written);
        await serving.publish('gold.daily_active_users', []);
        await serving.query(
          `ALTER TABLE gold.top_pages UPDATE total_events = 0 WHERE 1 SETTINGS mutations_sync = 1`,
        );
        await toGold(lake);
        expect(await mirrorsOf(serving)).toEqual(before);
      },
      { serving },
    ));

  it('an instance that slept before it published leaves the rows of the one that has gone on', () =>
    withLake(
      async (lake) => {
        await arrive(lake, [event(1)]);
        const slower = withMeanwhile(lake, 'publish gold.daily_active_users', async () => {
          await arrive(lake, [event(2, { user_id: 77 }), event(3, { user_id: 78 })]);
          await toGold(lake);
        });
        await runJob(silverToGold(slower), slower, { intervalMs: 1, once: true });
        const seen = await mirrorsOf(serving);
        const report = await verify(lake.context);
        expect(report.checks.filter(({ status }) => status === 'mismatch')).toEqual([]);
        await toGold(lake);
        expect(seen).toEqual(await mirrorsOf(serving));
      },
      { serving },
    ));
});

async function arrive(lake: Lake, events: readonly (ShopEvent | string)[]) {
  await landed(events)(lake);
  await toSilver(lake);
}

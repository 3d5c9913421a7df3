import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { bronzeToSilver } from '../../packages/eventlake/src/jobs/bronze-to-silver.js';
import { runJob } from '../../packages/eventlake/src/jobs/loop.js';
import { at, badDay, event, idOf, records, type ShopEvent } from './events.js';
import { type Lake, NOON_MS, openLake } from './lake.js';
import { land } from './landing.js';
import { layerOf, rowsOf } from './tables.js';

const DAY_MS = 24 * 3_600_000;
const lakes: Lake[] = [];
const lakeOf = async () => {
  const lake = await openLake();
  lakes.push(lake);
  return lake;
};
afterEach(async () => {
  for (const lake of lakes.splice(0)) await lake.close();
});

const toSilver = (lake: Lake, mode: 'merge' | 'overwrite' = 'merge') => {
  lake.context.settings.bronzeToSilver.mode = mode;
  return runJob(bronzeToSilver(lake.context), lake.context, { intervalMs: 1, once: true });
};
const arrive = async (lake: Lake, events: readonly (ShopEvent | string)[]) => {
  await lake.append(records(events));
  await land(lake.context);
};
const ids = async (lake: Lake, table: string) =>
  (await rowsOf(lake.context, table)).map((row) => JSON.parse(row).event_id as string);

describe('bronze-to-silver', () => {
  it('puts every row of bronze into exactly one of silver, duplicates and quarantine', async () => {
    const lake = await lakeOf();
    await arrive(lake, [event(1), event(2), event(1), event(3, { source: 'fridge' }), '{"broken']);
    await toSilver(lake);
    expect(await ids(lake, 'silver.user_events')).toEqual([idOf(1), idOf(2)]);
    expect(await ids(lake, 'silver.user_events_duplicates')).toEqual([idOf(1)]);
    const [rejected] = await rowsOf(lake.context, 'silver.user_events_quarantine');
    expect(JSON.parse(rejected!)).toMatchObject({
      event_id: idOf(3),
      source: 'fridge',
      reason: 'source: unknown',
    });
  });

  it('finds a duplicate in a later batch, on another day, with another time and in capitals', async () => {
    const lake = await lakeOf();
    await arrive(lake, [event(1), event(2)]);
    await toSilver(lake);
    lake.clock.ms += 40 * DAY_MS;
    await arrive(lake, [event(1), event(2, { timestamp: at(lake.clock.ms) }), event(3)]);
    await toSilver(lake);
    await arrive(lake, [
      event(1, { event_id: idOf(1).toUpperCase(), timestamp: at(NOON_MS - 300 * DAY_MS) }),
    ]);
    await toSilver(lake);
    expect(await ids(lake, 'silver.user_events')).toEqual([idOf(1), idOf(2), idOf(3)]);
    expect(await ids(lake, 'silver.user_events_duplicates')).toEqual([idOf(1), idOf(1), idOf(2)]);
  });

  it('keeps the first valid one: a reject does not take the place of a later good one', async () => {
    const lake = await lakeOf();
    await arrive(lake, [
      event(1, { source: 'fridge' }),
      event(1, { timestamp: at(NOON_MS + 400 * DAY_MS) }),
      event(1),
    ]);
    await toSilver(lake);
    expect(await ids(lake, 'silver.user_events')).toEqual([idOf(1)]);
    expect(await ids(lake, 'silver.user_events_quarantine')).toHaveLength(2);
  });

  it('does nothing where nothing is new, and is not run by raw-landing standing still', async () => {
    const lake = await lakeOf();
    await toSilver(lake);
    await arrive(lake, [event(1)]);
    await toSilver(lake);
    const before = await lake.context.engine.tableState('silver.user_events');
    await toSilver(lake);
    expect(await lake.context.engine.tableState('silver.user_events')).toEqual(before);
  });

  it('gives the same tables however the batches are cut, merged or overwritten', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(fc.array(badDay, { maxLength: 40 }), fc.constantFrom('wait', 'merge', 'overwrite')),
          {
            minLength: 1,
            maxLength: 6,
          },
        ),
        async (steps) => {
          const cut = await openLake();
          const whole = await openLake();
          try {
            for (const [events, then] of steps) {
              for (const lake of [cut, whole]) await arrive(lake, events);
              if (then !== 'wait') await toSilver(cut, then as 'merge' | 'overwrite');
            }
            await toSilver(cut);
            await toSilver(whole);
            const merged = await layerOf(cut.context, 'silver');
            expect(merged).toEqual(await layerOf(whole.context, 'silver'));
            // One more event, so that there is something to do.
            await arrive(whole, [event(10_000)]);
            await arrive(cut, [event(10_000)]);
            await toSilver(cut);
            await toSilver(whole, 'overwrite');
            expect(await layerOf(cut.context, 'silver')).toEqual(await layerOf(whole.context, 'silver'));
          } finally {
            await cut.close();
            await whole.close();
          }
        },
      ),
      { numRuns: 12 },
    );
  }, 300_000);
});

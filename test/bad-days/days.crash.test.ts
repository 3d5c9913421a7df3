import { expect, test } from 'vitest';
import { verify } from '../../packages/eventlake/src/verify/verify.js';
import { at, event } from '../jobs/events.js';
import { goldOf, landed, mirrorsOf, toGold, toSilver } from '../jobs/gold.js';
import { type Lake, NOON_MS, openLake, servingOfFile } from '../jobs/lake.js';
import { dropLive, liveOf } from '../jobs/live.js';
import { layerOf } from '../jobs/tables.js';
import { red, toLive } from '../verify/ledger.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const serving = await servingOfFile();

/** What the steps lead to, each followed by all jobs; green at the end of each. */
async function after(steps: readonly ((lake: Lake) => Promise<void> | void)[]) {
  await dropLive(serving);
  const lake = await openLake({ serving });
  try {
    for (const step of steps) {
      await step(lake);
      await landed([])(lake);
      await toLive(lake);
      await toSilver(lake);
      await toGold(lake);
    }
    const report = await verify(lake.context, { deep: true });
    expect(red(report), JSON.stringify(report.checks, null, 1)).toEqual([]);
    return {
      silver: await layerOf(lake.context, 'silver'),
      gold: await goldOf(lake),
      live: await liveOf(serving),
      mirrors: await mirrorsOf(serving),
    };
  } finally {
    await lake.close();
  }
}

const send =
  (events: Parameters<typeof landed>[0], clockMs: number) =>
  async (lake: Lake): Promise<void> => {
    lake.clock.ms = clockMs;
    await landed(events)(lake);
  };

test('duplicates across batches and days, events of yesterday and of next year: one of each is kept, on its own day', async () => {
  const yesterday = (n: number) => event(n, { timestamp: at(NOON_MS - DAY_MS + n * 1000) });
  const { silver, mirrors, live } = await after([
    send([event(0), event(1), event(2)], NOON_MS),
    // Again in the same minute, with another time, and with another day.
    send(
      [
        event(0),
        event(1, { timestamp: at(NOON_MS - HOUR_MS) }),
        event(2, { timestamp: at(NOON_MS - DAY_MS) }),
      ],
      NOON_MS,
    ),
    send([yesterday(10), yesterday(11), event(12, { timestamp: at(NOON_MS + 365 * DAY_MS) })], NOON_MS),
    send([yesterday(10), event(0)], NOON_MS + 2 * DAY_MS),
  ]);
  expect(silver['silver.user_events']).toHaveLength(5);
  expect(silver['silver.user_events_duplicates']).toHaveLength(5);
  expect(silver['silver.user_events_quarantine']).toEqual([expect.stringContaining('future')]);
  expect(mirrors[0]).toEqual([
    { event_date: '2025-03-09', dau_count: 2 },
    { event_date: '2025-03-10', dau_count: 3 },
  ]);
  const total = (name: string) =>
    (live[name] as { event_count: number }[]).reduce((sum, { event_count }) => sum + event_count, 0);
  expect(total('realtime.events_per_minute') + total('realtime.late_events_per_minute')).toBe(10);
});

test('a stream that is silent for an hour goes on as if it had not been', async () => {
  const first = [event(0), event(1), event(2)];
  const second = [3, 4, 5].map((n) => event(n, { timestamp: at(NOON_MS + HOUR_MS + n * 1000) }));
  const silence = Array.from({ length: 6 }, (_, i) => (lake: Lake) => {
    lake.clock.ms = NOON_MS + i * 10 * MINUTE_MS;
  });
  const silent = await after([send(first, NOON_MS), ...silence, send(second, NOON_MS + HOUR_MS)]);
  const busy = await after([send(first, NOON_MS), send(second, NOON_MS + HOUR_MS)]);
  expect(silent.live).toEqual(busy.live);
  expect(silent.gold).toEqual(busy.gold);
});

test('a clock that steps back an hour, and a day, changes no table', async () => {
  const events = (n: number) => [event(n), event(n + 1), event(n), '{"broken"'];
  const steady = [0, 1, 2].map((n) => send(events(n * 10), NOON_MS + n * 1000));
  const stepping = [NOON_MS, NOON_MS - HOUR_MS, NOON_MS - DAY_MS].map((ms, n) => send(events(n * 10), ms));
  const [expected, seen] = [await after(steady), await after(stepping)];
  // The log's own times never go back, so they are all that differs.
  const without = (rows: readonly string[]) => rows.map((row) => row.replace(/"log_timestamp":"[^"]*"/, ''));
  expect(seen.silver['silver.user_events']).toEqual(expected.silver['silver.user_events']);
  expect(without(seen.silver['silver.user_events_quarantine']!)).toEqual(
    without(expected.silver['silver.user_events_quarantine']!),
  );
  expect(seen.gold).toEqual(expected.gold);
  expect(seen.live).toEqual(expected.live);
  expect(seen.mirrors).toEqual(expected.mirrors);
});

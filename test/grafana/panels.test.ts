import pipeline from '@eventlake/user-events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { healthDashboard } from '../../scripts/grafana/pipeline-health.js';
import { NOON_MS } from '../jobs/lake.js';
import { DAY_MS, fillDashboards } from './filled.js';
import { ask, expandMacros } from './plugin.js';

const MINUTE_MS = 60_000;

let filled: Awaited<ReturnType<typeof fillDashboards>>;
beforeAll(async () => {
  filled = await fillDashboards();
});
afterAll(() => filled?.close());

const days = { fromMs: NOON_MS - DAY_MS, toMs: NOON_MS + 2 * DAY_MS, intervalSeconds: 60 };
const lastHour = () => ({
  fromMs: Date.now() - 60 * MINUTE_MS,
  toMs: Date.now() + MINUTE_MS,
  intervalSeconds: 3600,
});

function panelsOf(dashboards: typeof pipeline.dashboards) {
  return dashboards!.flatMap(({ rows }) => rows).flatMap(({ panels }) => panels);
}
const shop = new Map(panelsOf(pipeline.dashboards).map((panel) => [panel.title, panel.sql]));
const health = new Map(panelsOf([healthDashboard(pipeline)]).map((panel) => [panel.title, panel.sql]));

const minute = (n: number, day = 10) => `2025-03-${day} 12:${String(n).padStart(2, '0')}:00`;
const at0 = (day: number) => `2025-03-${day} 00:00:00`;

const SHOP: Record<string, unknown[]> = {
  'Events per minute by type': [
    { time: minute(0), metric: 'login', value: 2 },
    { time: minute(1), metric: 'click', value: 1 },
    { time: minute(2), metric: 'purchase', value: 1 },
    { time: minute(3), metric: 'logout', value: 1 },
    { time: minute(4), metric: 'login', value: 1 },
    { time: minute(5), metric: 'click', value: 1 },
    { time: minute(6), metric: 'purchase', value: 1 },
    { time: minute(7), metric: 'logout', value: 1 },
    { time: minute(0, 11), metric: 'click', value: 1 },
    { time: minute(0, 11), metric: 'purchase', value: 1 },
  ],
  'Logins per source': [
    { time: minute(0), metric: 'mobile', value: 2 },
    { time: minute(4), metric: 'mobile', value: 1 },
  ],
  'Purchases per minute': [
    { time: minute(2), value: 1 },
    { time: minute(6), value: 1 },
    { time: minute(0, 11), value: 1 },
  ],
  'Late events': [{ time: minute(0), metric: 'login', value: 1 }],
  'Active users': [{ dau_count: 2 }],
  'Active users by day': [
    { time: at0(10), value: 7 },
    { time: at0(11), value: 2 },
  ],
  'Conversion rate': [{ value: 50 }],
  'Conversion rate by day': [
    { time: at0(10), value: 22.22 },
    { time: at0(11), value: 50 },
  ],
  'Events per source and day': [
    { time: at0(10), metric: 'mobile', value: 5 },
    { time: at0(10), metric: 'web', value: 4 },
    { time: at0(11), metric: 'mobile', value: 1 },
    { time: at0(11), metric: 'web', value: 1 },
  ],
  'Top pages': [
    { popularity_rank: 1, page: '/page/0', total_events: 3, unique_users: 3 },
    { popularity_rank: 2, page: '/page/1', total_events: 2, unique_users: 2 },
    { popularity_rank: 3, page: '/page/2', total_events: 2, unique_users: 2 },
    { popularity_rank: 4, page: '/page/3', total_events: 2, unique_users: 2 },
    { popularity_rank: 5, page: '/page/4', total_events: 2, unique_users: 2 },
  ],
};

describe('the shop', () => {
  test('every panel has an answer here', () => {
    expect([...shop.keys()].sort()).toEqual(Object.keys(SHOP).sort());
  });

  test.each(Object.keys(SHOP))('%s', async (title) => {
    const rows = await ask(filled.url, expandMacros(shop.get(title)!, days));
    expect(sorted(rows)).toEqual(sorted(SHOP[title]!));
  });

  test('the three queries that people know are asked to the letter', () => {
    const words = (title: string) => shop.get(title)!.replaceAll(/\s+/g, ' ');
    expect(words('Events per minute by type')).toBe(
      'SELECT window_start as time, event_type as metric, sum(event_count) as value FROM realtime.events_per_minute ' +
        'WHERE $__timeFilter(window_start) GROUP BY window_start, event_type ORDER BY window_start ASC',
    );
    expect(words('Active users')).toBe(
      'SELECT dau_count FROM gold.daily_active_users ORDER BY event_date DESC LIMIT 1',
    );
    expect(words('Conversion rate')).toBe(
      'SELECT round((conversion_rate * 100), 2) as value FROM gold.conversion_rate_daily ORDER BY event_date DESC LIMIT 1',
    );
  });
});

const HEALTH: Record<string, unknown> = {
  'Freshness of the live tables': [{ value: expect.any(Number) }],
  'Freshness of gold': [{ value: expect.any(Number) }],
  'Checks that do not hold': [{ value: 0 }],
  Lag: ['bronze-to-silver', 'fast-agg', 'raw-landing', 'silver-to-gold'].map((metric) =>
    expect.objectContaining({ metric, value: 0 }),
  ),
  'Came out of each stage': [
    expect.objectContaining({ metric: 'bronze-to-silver', value: 11 }),
    expect.objectContaining({ metric: 'fast-agg', value: 13 }),
    expect.objectContaining({ metric: 'log', value: 13 }),
    expect.objectContaining({ metric: 'raw-landing', value: 12 }),
    expect.objectContaining({ metric: 'silver-to-gold', value: 11 }),
  ],
  'Newest report of each stage': [
    expect.objectContaining({
      stage: 'bronze-to-silver',
      out: 11,
      waiting: 0,
      in_quarantine: 0,
      repeated: 1,
    }),
    expect.objectContaining({ stage: 'fast-agg', out: 13, waiting: 0 }),
    expect.objectContaining({ stage: 'log', out: 13 }),
    expect.objectContaining({ stage: 'raw-landing', out: 12, waiting: 0, in_quarantine: 1 }),
    expect.objectContaining({ stage: 'silver-to-gold', out: 11, waiting: 0 }),
  ],
  'In quarantine': [
    expect.objectContaining({ metric: 'bronze-to-silver', value: 0 }),
    expect.objectContaining({ metric: 'raw-landing', value: 1 }),
  ],
  Duplicates: [{ time: expect.any(String), value: 1 }],
  'The ledger': expect.arrayContaining([
    expect.objectContaining({
      check_name: 'realtime = silver',
      left_count: 12,
      right_count: 12,
      status: 'ok',
    }),
  ]),
  'Differences over time': [{ time: expect.any(String), value: 0 }],
};

describe('the health of the pipeline', () => {
  test('every panel has an answer here', () => {
    expect([...health.keys()].sort()).toEqual(Object.keys(HEALTH).sort());
  });

  test.each(Object.keys(HEALTH))('%s', async (title) => {
    const rows = await ask(filled.url, expandMacros(health.get(title)!, lastHour()));
    expect(sorted(rows)).toEqual(HEALTH[title]);
  });
});

/** Whatever order rows of the same time come in. */
function sorted<T>(rows: readonly T[]): T[] {
  return [...rows].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

import { type DashboardDefinition, servedTables, dashboardSql as sql } from 'eventlake';
import { gold } from './gold.js';
import { live } from './live.js';

const tables = servedTables(live, gold);
const events = tables['realtime.events_per_minute'];
const logins = tables['realtime.logins_per_source'];
const purchases = tables['realtime.purchases_per_minute'];
const late = tables['realtime.late_events_per_minute'];
const dau = tables['gold.daily_active_users'];
const perSource = tables['gold.events_per_source_daily'];
const conversion = tables['gold.conversion_rate_daily'];
const pages = tables['gold.top_pages'];

/** The shop: what happens now, and what the days were like. */
export const dashboards: readonly DashboardDefinition[] = [
  {
    uid: 'user-events',
    title: 'Shop',
    description: 'Events as they happen, and the days as they were.',
    rows: [
      {
        title: 'Now',
        panels: [
          {
            title: 'Events per minute by type',
            description: 'By event time. The sum is exact at every moment.',
            kind: 'lines',
            unit: 'short',
            width: 24,
            sql: sql`SELECT ${events.column.window_start} as time, ${events.column.event_type} as metric, sum(${events.column.event_count}) as value FROM ${events}
              WHERE $__timeFilter(${events.column.window_start}) GROUP BY ${events.column.window_start}, ${events.column.event_type} ORDER BY ${events.column.window_start} ASC`,
          },
          {
            title: 'Logins per source',
            description: 'Logins of the web site and the app.',
            kind: 'lines',
            unit: 'short',
            width: 8,
            sql: sql`SELECT ${logins.column.window_start} as time, ${logins.column.source} as metric, sum(${logins.column.login_count}) as value FROM ${logins}
              WHERE $__timeFilter(${logins.column.window_start}) GROUP BY ${logins.column.window_start}, ${logins.column.source} ORDER BY ${logins.column.window_start} ASC`,
          },
          {
            title: 'Purchases per minute',
            description: 'By event time.',
            kind: 'bars',
            unit: 'short',
            width: 8,
            sql: sql`SELECT $__timeInterval(${purchases.column.window_start}) as time, sum(${purchases.column.purchase_count}) as value FROM ${purchases}
              WHERE $__timeFilter(${purchases.column.window_start}) GROUP BY time ORDER BY time ASC`,
          },
          {
            title: 'Late events',
            description: 'Came after their minute was closed: not in the live counts, but in every batch.',
            kind: 'bars',
            unit: 'short',
            width: 8,
            sql: sql`SELECT $__timeInterval(${late.column.window_start}) as time, ${late.column.event_type} as metric, sum(${late.column.event_count}) as value FROM ${late}
              WHERE $__timeFilter(${late.column.window_start}) GROUP BY time, ${late.column.event_type} ORDER BY time ASC`,
          },
        ],
      },
      {
        title: 'Days',
        panels: [
          {
            title: 'Active users',
            description: 'Distinct users of the newest day (UTC).',
            kind: 'stat',
            unit: 'short',
            width: 6,
            sql: sql`SELECT ${dau.column.dau_count} FROM ${dau} ORDER BY ${dau.column.event_date} DESC LIMIT 1`,
          },
          {
            title: 'Active users by day',
            description: 'Distinct users of each day (UTC).',
            kind: 'lines',
            unit: 'short',
            width: 18,
            sql: sql`SELECT toDateTime(${dau.column.event_date}, 'UTC') as time, ${dau.column.dau_count} as value FROM ${dau}
              WHERE ${dau.column.event_date} >= toDate($__fromTime) AND ${dau.column.event_date} <= toDate($__toTime) ORDER BY ${dau.column.event_date} ASC`,
          },
          {
            title: 'Conversion rate',
            description: 'Purchases as a share of all events of the newest day.',
            kind: 'stat',
            unit: 'percent',
            decimals: 2,
            width: 6,
            sql: sql`SELECT round((${conversion.column.conversion_rate} * 100), 2) as value FROM ${conversion} ORDER BY ${conversion.column.event_date} DESC LIMIT 1`,
          },
          {
            title: 'Conversion rate by day',
            description: 'Purchases as a share of all events of each day.',
            kind: 'lines',
            unit: 'percent',
            decimals: 2,
            width: 18,
            sql: sql`SELECT toDateTime(${conversion.column.event_date}, 'UTC') as time, round((${conversion.column.conversion_rate} * 100), 2) as value FROM ${conversion}
              WHERE ${conversion.column.event_date} >= toDate($__fromTime) AND ${conversion.column.event_date} <= toDate($__toTime) ORDER BY ${conversion.column.event_date} ASC`,
          },
          {
            title: 'Events per source and day',
            description: 'Web site and app.',
            kind: 'bars',
            unit: 'short',
            width: 12,
            sql: sql`SELECT toDateTime(${perSource.column.event_date}, 'UTC') as time, ${perSource.column.source} as metric, ${perSource.column.event_count} as value FROM ${perSource}
              WHERE ${perSource.column.event_date} >= toDate($__fromTime) AND ${perSource.column.event_date} <= toDate($__toTime) ORDER BY ${perSource.column.event_date} ASC`,
          },
          {
            title: 'Top pages',
            description: 'The most visited pages of all time.',
            kind: 'table',
            width: 12,
            sql: sql`SELECT ${pages.column.popularity_rank}, ${pages.column.page}, ${pages.column.total_events}, ${pages.column.unique_users} FROM ${pages}
              ORDER BY ${pages.column.popularity_rank} ASC LIMIT 20`,
          },
        ],
      },
    ],
  },
];

import { readFileSync } from 'node:fs';
import { type ColumnDefinition, type GoldTable, mirror } from 'eventlake';

type Columns = readonly ColumnDefinition[];

const kpiDau = [
  { name: 'event_date', type: 'date' },
  { name: 'dau_count', type: 'long' },
] as const satisfies Columns;

const kpiEventsPerSource = [
  { name: 'event_date', type: 'date' },
  { name: 'source', type: 'string' },
  { name: 'event_count', type: 'long' },
] as const satisfies Columns;

const kpiConversionRate = [
  { name: 'event_date', type: 'date' },
  { name: 'purchases', type: 'long' },
  { name: 'total_events', type: 'long' },
  { name: 'conversion_rate', type: 'double' },
] as const satisfies Columns;

const kpiTopPages = [
  { name: 'page', type: 'string' },
  { name: 'total_events', type: 'long' },
  { name: 'unique_users', type: 'long' },
  { name: 'popularity_rank', type: 'long' },
] as const satisfies Columns;

/**
 * The star schema and the KPIs. What grows with every event is only `fact_events`; dimensions and KPIs are computed from
 * rollups, which hold one row for each distinct key, so that a day or a user is never counted from the beginning. Who has been
 * on a page, or there on a day, is a set: a batch counts only whom it adds.
 */
export const gold = [
  {
    name: 'gold.fact_events',
    grows: 'append',
    partitionBy: ['event_date'],
    columns: [
      { name: 'event_id', type: 'string' },
      { name: 'user_id', type: 'integer' },
      { name: 'event_type', type: 'string' },
      { name: 'page', type: 'string' },
      { name: 'timestamp', type: 'timestamp' },
      { name: 'source', type: 'string' },
      { name: 'processed_timestamp', type: 'timestamp' },
      { name: 'log_batch', type: 'long' },
      { name: 'log_partition', type: 'integer' },
      { name: 'log_offset', type: 'long' },
      { name: 'event_date', type: 'date' },
    ],
    sql: sql('fact_events'),
    counts: {},
  },
  {
    name: 'rollup.user_sources',
    grows: 'rollup',
    columns: [
      { name: 'user_id', type: 'integer' },
      { name: 'source', type: 'string' },
      { name: 'events', type: 'long' },
      { name: 'first_seen', type: 'timestamp' },
      { name: 'last_seen', type: 'timestamp' },
    ],
    sql: sql('user_sources'),
    counts: { sum: 'events', present: 'user_id' },
    fold: sql('user_sources.fold'),
  },
  {
    name: 'rollup.page_visitors',
    grows: 'set',
    columns: [
      { name: 'page', type: 'string' },
      { name: 'user_id', type: 'integer' },
    ],
    sql: sql('page_visitors'),
    countedIn: { table: 'rollup.page_counts', sum: 'users', by: ['page'] },
  },
  {
    name: 'rollup.page_counts',
    grows: 'rollup',
    columns: [
      { name: 'page', type: 'string' },
      { name: 'events', type: 'long' },
      { name: 'users', type: 'long' },
    ],
    sql: sql('page_counts'),
    counts: { sum: 'events', present: 'page' },
    fold: sql('page_counts.fold'),
  },
  {
    name: 'rollup.day_visitors',
    grows: 'set',
    columns: [
      { name: 'event_date', type: 'date' },
      { name: 'user_id', type: 'integer' },
    ],
    sql: sql('day_visitors'),
    countedIn: { table: 'rollup.day_counts', sum: 'users', by: ['event_date'] },
  },
  {
    name: 'rollup.day_counts',
    grows: 'rollup',
    columns: [
      { name: 'event_date', type: 'date' },
      { name: 'users', type: 'long' },
    ],
    sql: sql('day_counts'),
    fold: sql('day_counts.fold'),
  },
  {
    name: 'rollup.day_source_types',
    grows: 'rollup',
    columns: [
      { name: 'event_date', type: 'date' },
      { name: 'source', type: 'string' },
      { name: 'event_type', type: 'string' },
      { name: 'events', type: 'long' },
    ],
    sql: sql('day_source_types'),
    counts: { sum: 'events' },
    fold: sql('day_source_types.fold'),
  },
  {
    name: 'gold.dim_users',
    grows: 'replace',
    columns: [
      { name: 'user_id', type: 'integer' },
      { name: 'total_events', type: 'long' },
      { name: 'source_count', type: 'long' },
      { name: 'first_seen', type: 'timestamp' },
      { name: 'last_seen', type: 'timestamp' },
    ],
    sql: sql('dim_users'),
  },
  {
    name: 'gold.dim_pages',
    grows: 'replace',
    columns: [
      { name: 'page', type: 'string' },
      { name: 'total_events', type: 'long' },
      { name: 'unique_users', type: 'long' },
      { name: 'popularity_rank', type: 'long' },
    ],
    sql: sql('dim_pages'),
  },
  {
    name: 'gold.kpi_dau',
    grows: 'replace',
    columns: kpiDau,
    sql: sql('kpi_dau'),
    serve: mirror('gold.daily_active_users', kpiDau, ['event_date']),
  },
  {
    name: 'gold.kpi_events_per_source',
    grows: 'replace',
    columns: kpiEventsPerSource,
    sql: sql('kpi_events_per_source'),
    serve: mirror('gold.events_per_source_daily', kpiEventsPerSource, ['event_date', 'source']),
  },
  {
    name: 'gold.kpi_conversion_rate',
    grows: 'replace',
    columns: kpiConversionRate,
    sql: sql('kpi_conversion_rate'),
    serve: mirror('gold.conversion_rate_daily', kpiConversionRate, ['event_date']),
  },
  {
    name: 'gold.kpi_top_pages',
    grows: 'replace',
    columns: kpiTopPages,
    sql: sql('kpi_top_pages'),
    serve: mirror('gold.top_pages', kpiTopPages, ['popularity_rank']),
  },
] as const satisfies readonly GoldTable[];

/** From `src/` and from `dist/` alike, the queries lie in the folder beside. */
function sql(name: string): string {
  return readFileSync(new URL(`../sql/${name}.sql`, import.meta.url), 'utf8');
}

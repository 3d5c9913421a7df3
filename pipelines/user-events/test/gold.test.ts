import { DuckDBInstance } from '@duckdb/node-api';
import type { GoldTable } from 'eventlake';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { gold as declared } from '../src/gold.js';

const gold: readonly GoldTable[] = declared;

/** What the gold queries read of an event. */
interface Event {
  user_id: number | null;
  event_type: 'login' | 'click' | 'purchase' | 'logout';
  page: string | null;
  source: 'web' | 'mobile';
  /** Milliseconds since 1970. */
  ms: number;
}

const day = 86_400_000;

test('dimensions and KPIs are those of all events, however they came in batches and whenever rollups were folded', async () => {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  await fc.assert(
    fc.asyncProperty(fc.array(batch(), { maxLength: 4 }), async (batches) => {
      await computeGold(batches);
      const events = batches.flatMap(({ events }) => events);
      for (const [table, expected] of Object.entries(model(events))) {
        expect([table, await read(table)]).toEqual([table, expected]);
      }
    }),
    { numRuns: 50 },
  );
  connection.closeSync();
  instance.closeSync();

  async function computeGold(batches: readonly { events: Event[]; fold: boolean }[]): Promise<void> {
    await defineEvents([]);
    const sets = gold.filter(({ grows }) => grows === 'set');
    for (const { name, sql } of sets) {
      await run(`CREATE OR REPLACE TABLE ${last(name)} AS ${sql}`);
      await run(`CREATE OR REPLACE TABLE new_${last(name)} AS FROM ${last(name)}`);
    }
    for (const { name, sql, grows } of gold) {
      if (grows === 'append' || grows === 'rollup')
        await run(`CREATE OR REPLACE TABLE ${last(name)} AS ${sql}`);
    }
    for (const { events, fold } of batches) {
      await defineEvents(events);
      for (const { name, sql } of sets) {
        await run(
          `CREATE OR REPLACE TABLE new_${last(name)} AS (SELECT DISTINCT * FROM (${sql})) EXCEPT FROM ${last(name)}`,
        );
        await run(`INSERT INTO ${last(name)} FROM new_${last(name)}`);
      }
      for (const table of gold) {
        if (table.grows === 'replace' || table.grows === 'set') continue;
        await run(`INSERT INTO ${last(table.name)} ${table.sql}`);
        if (table.fold === undefined || !fold) continue;
        await run(`CREATE OR REPLACE TABLE increments AS FROM ${last(table.name)}`);
        await run(`CREATE OR REPLACE TABLE ${last(table.name)} AS ${table.fold}`);
      }
    }
    for (const table of gold) {
      if (table.grows === 'replace') await run(`CREATE OR REPLACE TABLE ${last(table.name)} AS ${table.sql}`);
    }
  }

  async function defineEvents(events: readonly Event[]): Promise<void> {
    await run(`CREATE OR REPLACE TABLE events (event_id VARCHAR, user_id INT, event_type VARCHAR, page VARCHAR,
      timestamp TIMESTAMPTZ, source VARCHAR, processed_timestamp TIMESTAMPTZ, log_batch BIGINT, log_partition INT, log_offset BIGINT)`);
    for (const e of events) {
      await run(`INSERT INTO events (user_id, event_type, page, timestamp, source) VALUES (${e.user_id}, '${e.event_type}',
        ${e.page === null ? null : `'${e.page}'`}, to_timestamp(${e.ms / 1000}), '${e.source}')`);
    }
  }

  async function run(sql: string): Promise<void> {
    await connection.run(sql);
  }

  async function read(table: string): Promise<unknown[]> {
    const rows = await connection.runAndReadAll(
      `SELECT to_json(t)::VARCHAR AS row FROM ${table} AS t ORDER BY ALL`,
    );
    return rows.getRowsJS().map(([json]) => JSON.parse(String(json)));
  }
});

function batch(): fc.Arbitrary<{ events: Event[]; fold: boolean }> {
  const event = fc.record({
    user_id: fc.option(fc.integer({ min: 1, max: 3 })),
    event_type: fc.constantFrom('login', 'click', 'purchase', 'logout'),
    page: fc.option(fc.constantFrom('/', '/a', '/b')),
    source: fc.constantFrom('web', 'mobile'),
    // Around midnight in UTC.
    ms: fc.tuple(fc.nat(2), fc.constantFrom(0, 1000, day - 1000)).map(([days, ms]) => days * day + ms),
  } as const);
  return fc.record({ events: fc.array(event, { maxLength: 6 }), fold: fc.boolean() }) as fc.Arbitrary<{
    events: Event[];
    fold: boolean;
  }>;
}

/** The design, counted from the events themselves. */
function model(events: readonly Event[]): Record<string, unknown[]> {
  const known = events.filter((e) => e.user_id !== null);
  const users = groups(known, (e) => e.user_id!).map(([user_id, of]) => ({
    user_id,
    total_events: of.length,
    source_count: distinct(of, (e) => e.source),
    first_seen: timeText(Math.min(...of.map((e) => e.ms))),
    last_seen: timeText(Math.max(...of.map((e) => e.ms))),
  }));
  const pages = groups(
    events.filter((e) => e.page !== null),
    (e) => e.page!,
  ).map(([page, of]) => ({
    page,
    total_events: of.length,
    unique_users: distinct(
      of.filter((e) => e.user_id !== null),
      (e) => e.user_id,
    ),
  }));
  const dayOf = (e: Event) => new Date(e.ms).toISOString().slice(0, 10);
  return {
    dim_users: users,
    dim_pages: pages.map((page) => ({
      ...page,
      popularity_rank: 1 + pages.filter((other) => other.total_events > page.total_events).length,
    })),
    kpi_top_pages: pages.map((page) => ({
      ...page,
      popularity_rank:
        1 +
        pages.filter(
          (other) =>
            other.total_events > page.total_events ||
            (other.total_events === page.total_events && other.page < page.page),
        ).length,
    })),
    kpi_dau: groups(known, dayOf).map(([event_date, of]) => ({
      event_date,
      dau_count: distinct(of, (e) => e.user_id),
    })),
    kpi_events_per_source: groups(events, (e) => `${dayOf(e)} ${e.source}`).map(([key, of]) => ({
      event_date: key.split(' ')[0],
      source: key.split(' ')[1],
      event_count: of.length,
    })),
    kpi_conversion_rate: groups(events, dayOf).map(([event_date, of]) => {
      const purchases = of.filter((e) => e.event_type === 'purchase').length;
      return { event_date, purchases, total_events: of.length, conversion_rate: purchases / of.length };
    }),
  };
}

function groups<Key extends string | number>(
  events: readonly Event[],
  key: (e: Event) => Key,
): [Key, Event[]][] {
  const found = new Map<Key, Event[]>();
  for (const event of events) found.set(key(event), [...(found.get(key(event)) ?? []), event]);
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}

function distinct(events: readonly Event[], of: (e: Event) => unknown): number {
  return new Set(events.map(of)).size;
}

/** As DuckDB writes a TIMESTAMPTZ in UTC. */
function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('.000Z', '+00');
}

function last(name: string): string {
  return name.split('.')[1]!;
}

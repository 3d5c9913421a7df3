import pipeline from '@eventlake/user-events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { duckdbTypeOf } from '../../packages/eventlake/src/engine/duckdb/sql-text.js';
import { liveTables, servingTables, silverTables } from '../../packages/eventlake/src/schema/tables.js';
import { validSql } from '../../packages/eventlake/src/schema/validation.js';
import { type Db, openDuckDb } from './duckdb.js';

describe('every query gives the columns that its table declares', () => {
  let db: Db;
  beforeAll(async () => {
    db = await openDuckDb();
    const silver = silverTables(pipeline.event).events;
    for (const [relation, columns] of [
      ['events', silver.columns],
      ...pipeline.gold
        .filter((table) => table.grows !== 'append')
        .flatMap(({ name, columns, grows }) => {
          const relation = name.split('.')[1]!;
          return [relation, ...(grows === 'set' ? [`new_${relation}`] : [])].map(
            (of) => [of, columns] as const,
          );
        }),
    ] as const) {
      await db.run(
        `CREATE TABLE ${relation} (${columns.map((c) => `${c.name} ${duckdbTypeOf(c.type)}`).join(', ')})`,
      );
    }
  });
  afterAll(() => db.close());

  for (const table of pipeline.gold) {
    const expected = table.columns.map((column) => [column.name, duckdbTypeOf(column.type)]);
    test(table.name, async () => expect(await describeSql(table.sql)).toEqual(expected));
    if (table.fold === undefined) continue;
    test(`${table.name}, folded`, async () => {
      const relation = table.name.split('.')[1];
      expect(await describeSql(`WITH increments AS (FROM ${relation}) ${table.fold}`)).toEqual(expected);
    });
  }

  test('silver', async () => {
    const fields = Object.keys(pipeline.event.fields);
    await db.run(
      `CREATE TABLE bronze (${fields.map((name) => `${name} VARCHAR`).join(', ')}, log_timestamp TIMESTAMPTZ)`,
    );
    const typed = silverTables(pipeline.event).events.columns.slice(0, fields.length);
    expect(await describeSql(validSql(pipeline, 'bronze', []))).toEqual(
      typed.map((column) => [column.name, duckdbTypeOf(column.type)]),
    );
  });

  async function describeSql(sql: string): Promise<unknown[][]> {
    const rows = await db.query(`DESCRIBE ${sql}`);
    return rows.map((row) => [row.column_name, row.column_type]);
  }
});

test('live and served tables are the ones that the dashboards read', () => {
  const shape = [...liveTables(pipeline), ...servingTables(pipeline)].map((table) => [
    table.name,
    table.columns.map((column) => column.name).join(', '),
    `${table.engine} ORDER BY ${table.orderBy.join(', ')}`,
  ]);
  expect(shape).toMatchInlineSnapshot(`
    [
      [
        "realtime.events_per_minute",
        "window_start, window_end, event_type, event_count",
        "SummingMergeTree(event_count) ORDER BY window_start, event_type",
      ],
      [
        "realtime.logins_per_source",
        "window_start, window_end, source, login_count",
        "SummingMergeTree(login_count) ORDER BY window_start, source",
      ],
      [
        "realtime.purchases_per_minute",
        "window_start, window_end, purchase_count",
        "SummingMergeTree(purchase_count) ORDER BY window_start",
      ],
      [
        "realtime.late_events_per_minute",
        "window_start, window_end, event_type, event_count",
        "SummingMergeTree(event_count) ORDER BY window_start, event_type",
      ],
      [
        "gold.daily_active_users",
        "event_date, dau_count, updated_at",
        "ReplacingMergeTree(updated_at) ORDER BY event_date",
      ],
      [
        "gold.events_per_source_daily",
        "event_date, source, event_count, updated_at",
        "ReplacingMergeTree(updated_at) ORDER BY event_date, source",
      ],
      [
        "gold.conversion_rate_daily",
        "event_date, purchases, total_events, conversion_rate, updated_at",
        "ReplacingMergeTree(updated_at) ORDER BY event_date",
      ],
      [
        "gold.top_pages",
        "page, total_events, unique_users, popularity_rank, updated_at",
        "ReplacingMergeTree(updated_at) ORDER BY popularity_rank",
      ],
    ]
  `);
});

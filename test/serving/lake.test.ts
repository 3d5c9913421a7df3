import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { createTable, localStore, type Table } from '@eventlake/delta';
import pino from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import type { ColumnDefinition } from '../../packages/eventlake/src/schema/definition.js';
import { deltaSchema } from '../../packages/eventlake/src/schema/types.js';
import { connectServing } from '../../packages/eventlake/src/serving/connect.js';
import { startEndpoint } from '../../packages/eventlake/src/serving/endpoint/start.js';
import type { Serving } from '../../packages/eventlake/src/serving/serving.js';
import { temporaryFolder } from './processes.js';

const logger = pino({ level: 'silent' });
const columns: ColumnDefinition[] = [
  { name: 'n', type: 'long' },
  { name: 'name', type: 'string' },
  { name: 'at', type: 'timestamp' },
];
const tables = [{ name: 'silver.user_events' }, { name: 'gold.fact_events' }];

async function serve(dataDir: string, lakehouse: string): Promise<Serving> {
  const endpoint = await startEndpoint({
    dataDir,
    host: '127.0.0.1',
    port: 0,
    logger,
    lake: { root: lakehouse, tables },
  });
  const settings = { clickhouse: { host: '127.0.0.1', port: 0 }, lakehouse };
  const serving = await connectServing({ settings, dataDir, logger });
  const closeServing = serving.close.bind(serving);
  const close = async () => {
    await closeServing();
    await endpoint.close();
  };
  onTestFinished(close);
  return Object.assign(serving, { close });
}

/** Commits the rows of a SELECT as one file. */
async function append(root: string, table: Table, select: string, partition?: string): Promise<void> {
  const duckdb = await (await DuckDBInstance.create()).connect();
  const name = `${partition ?? ''}${crypto.randomUUID()}.parquet`;
  const path = join(root, table.path, name);
  await duckdb.run(`SET TimeZone = 'UTC'`);
  await duckdb.run(`COPY (${select}) TO '${path}' (FORMAT parquet)`);
  duckdb.closeSync();
  const size = (await stat(path)).size;
  const partitionValues: Record<string, string> = partition
    ? { [partition.split('=')[0]!]: partition.split('=')[1]!.replace('/', '') }
    : {};
  const file = { path: name, partitionValues, size, modificationTime: Date.now(), dataChange: true };
  const result = await table.commit({ operation: 'WRITE', add: [file] });
  expect(result.status).toBe('committed');
}

const rows = (from: number, to: number) =>
  `SELECT i::BIGINT AS n, 'name ' || i AS name, TIMESTAMPTZ '2026-01-01 00:00:00.000001+00' + i * INTERVAL 1 SECOND AS at
   FROM range(${from}, ${to}) t(i)`;

test('the newest version of a Delta table is read, at every query', async () => {
  const [dataDir, lakehouse] = [await temporaryFolder(), await temporaryFolder()];
  const table = await createTable(localStore(lakehouse), 'silver/user_events', {
    schema: deltaSchema({ columns }),
  });
  const serving = await serve(dataDir, lakehouse);
  const count = () => serving.query('SELECT count() AS c, sum(n) AS s FROM silver.user_events');
  expect(await count()).toEqual([{ c: 0, s: null }]);
  await append(lakehouse, table, rows(0, 5));
  expect(await count()).toEqual([{ c: 5, s: 10 }]);
  await append(lakehouse, table, rows(5, 10));
  expect(await count()).toEqual([{ c: 10, s: 45 }]);
  expect(await serving.query('SELECT * FROM silver.user_events WHERE n = 7')).toEqual([
    { n: 7, name: 'name 7', at: '2026-01-01 00:00:07.000001' },
  ]);
});

test('a table appears once it exists', async () => {
  const [dataDir, lakehouse] = [await temporaryFolder(), await temporaryFolder()];
  const serving = await serve(dataDir, lakehouse);
  await expect(serving.query('SELECT * FROM silver.user_events')).rejects.toMatchObject({
    kind: 'not-found',
  });
  const table = await createTable(localStore(lakehouse), 'silver/user_events', {
    schema: deltaSchema({ columns }),
  });
  await append(lakehouse, table, rows(0, 3));
  await expect
    .poll(() => serving.query('SELECT count() AS c FROM silver.user_events').catch(() => undefined), {
      timeout: 20_000,
    })
    .toEqual([{ c: 3 }]);
});

test('a column that was added shows', async () => {
  const [dataDir, lakehouse] = [await temporaryFolder(), await temporaryFolder()];
  const table = await createTable(localStore(lakehouse), 'silver/user_events', {
    schema: deltaSchema({ columns }),
  });
  await append(lakehouse, table, rows(0, 2));
  const serving = await serve(dataDir, lakehouse);
  expect(await serving.query('SELECT count() AS c FROM silver.user_events')).toEqual([{ c: 2 }]);
  const { metadata } = await table.snapshot();
  const schema = deltaSchema({ columns: [...columns, { name: 'page', type: 'string' }] });
  await table.commit({
    operation: 'ADD COLUMNS',
    metadata: { ...metadata, schemaString: JSON.stringify(schema) },
    readVersion: (await table.snapshot()).version,
  });
  expect(await serving.query('SELECT n, page FROM silver.user_events ORDER BY n')).toEqual([
    { n: 0, page: null },
    { n: 1, page: null },
  ]);
});

test('a column that was widened shows the values of before and after', async () => {
  const [dataDir, lakehouse] = [await temporaryFolder(), await temporaryFolder()];
  const table = await createTable(localStore(lakehouse), 'silver/user_events', {
    schema: deltaSchema({ columns: [{ name: 'n', type: 'integer' }] }),
  });
  await append(lakehouse, table, 'SELECT 7::INTEGER AS n');
  const serving = await serve(dataDir, lakehouse);
  expect(await serving.query('SELECT n FROM silver.user_events')).toEqual([{ n: 7 }]);
  await table.setProperties({ 'delta.enableTypeWidening': 'true' });
  await table.widenColumn('n', 'long');
  await append(lakehouse, table, 'SELECT 5000000000::BIGINT AS n');
  expect(await serving.query('SELECT n FROM silver.user_events ORDER BY n')).toEqual([
    { n: 7 },
    { n: 5_000_000_000 },
  ]);
});

test('partition columns are columns, and Delta and ClickHouse tables of one database join', async () => {
  const [dataDir, lakehouse] = [await temporaryFolder(), await temporaryFolder()];
  const table = await createTable(localStore(lakehouse), 'gold/fact_events', {
    schema: deltaSchema({ columns: [...columns, { name: 'event_date', type: 'date' }] }),
    partitionBy: ['event_date'],
  });
  await import('node:fs/promises').then((fs) =>
    fs.mkdir(join(lakehouse, 'gold/fact_events/event_date=2026-01-02'), { recursive: true }),
  );
  await append(lakehouse, table, rows(0, 4), 'event_date=2026-01-02/');
  const serving = await serve(dataDir, lakehouse);
  await serving.ensure([
    {
      name: 'gold.daily_active_users',
      columns: [
        { name: 'event_date', type: 'Date' },
        { name: 'dau_count', type: 'UInt64' },
      ],
      engine: 'ReplacingMergeTree',
      orderBy: ['event_date'],
    },
  ]);
  await serving.publish('gold.daily_active_users', [{ event_date: '2026-01-02', dau_count: 4 }]);
  expect(
    await serving.query(
      `SELECT f.event_date AS day, count() AS events, any(d.dau_count) AS dau
       FROM gold.fact_events AS f JOIN gold.daily_active_users AS d ON f.event_date = d.event_date GROUP BY day`,
    ),
  ).toEqual([{ day: '2026-01-02', events: 4, dau: 4 }]);
});

test('a lakehouse that has moved is read where it is now', async () => {
  const dataDir = await temporaryFolder();
  for (const n of [1, 2]) {
    const lakehouse = await temporaryFolder();
    const table = await createTable(localStore(lakehouse), 'silver/user_events', {
      schema: deltaSchema({ columns }),
    });
    await append(lakehouse, table, rows(0, n));
    const serving = await serve(dataDir, lakehouse);
    expect(await serving.query('SELECT count() AS c FROM silver.user_events')).toEqual([{ c: n }]);
    await serving.close();
  }
});

import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTable, required, s3Store, struct } from '@eventlake/delta';
import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type S3Server, s3Credentials, startS3Server } from '../../packages/delta/test/support/s3-servers.js';
import { lakeAddress } from '../../packages/eventlake/src/serving/endpoint/lake-address.js';
import { type Endpoint, startEndpoint } from '../../packages/eventlake/src/serving/endpoint/start.js';

let server: S3Server;
let endpoint: Endpoint;
let dataDir: string;
const prefix = randomUUID();
const schema = struct({ id: required('long'), name: 'string' });

const openLake = () => s3Store(`${server.url}/${prefix}`, server.options);

beforeAll(async () => {
  server = await startS3Server('versitygw');
  // As the SDK finds them, and ClickHouse, which is in this process.
  process.env.AWS_ACCESS_KEY_ID = s3Credentials.accessKeyId;
  process.env.AWS_SECRET_ACCESS_KEY = s3Credentials.secretAccessKey;
  const table = await createTable(await openLake(), 'silver/events', { schema });
  await table.append([
    { id: 1n, name: 'a' },
    { id: 2n, name: 'b' },
  ]);
  dataDir = await mkdtemp(join(tmpdir(), 'eventlake-lake-'));
  endpoint = await startEndpoint({
    dataDir,
    host: '127.0.0.1',
    port: 0,
    logger: pino({ level: 'silent' }),
    lake: {
      root: `${server.url}/${prefix}`,
      s3: { endpoint: server.endpoint },
      tables: [{ name: 'silver.events' }, { name: 'silver.later' }],
    },
  });
});
afterAll(async () => {
  await endpoint.close();
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function ask(sql: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(endpoint.url, { method: 'POST', body: sql });
  return { status: answer.status, text: await answer.text() };
}

test('tables on S3 are read at their newest version', async () => {
  expect((await ask('SELECT id, name FROM silver.events ORDER BY id FORMAT CSV')).text).toBe(
    '1,"a"\n2,"b"\n',
  );
  const table = await createTable(await openLake(), 'silver/events', { schema }, { ifNotExists: true });
  await table.append([{ id: 3n, name: 'c' }]);
  expect((await ask('SELECT count() FROM silver.events')).text).toBe('3\n');
});

test('readers see no credentials, no bucket, and nobody else’s bucket', async () => {
  const { accessKeyId, secretAccessKey } = s3Credentials;
  const hidden = [accessKeyId, secretAccessKey, new URL(server.endpoint).host, prefix];
  const url = `${server.endpoint}/lake/${prefix}/silver/events`;
  const attempts = [
    'SHOW CREATE TABLE silver.events',
    "SELECT engine_full, create_table_query FROM system.tables WHERE name = 'events'",
    'SELECT * FROM system.settings',
    'SELECT * FROM system.server_settings',
    "SELECT getSetting('s3_max_connections')",
    'SELECT _path, _file FROM silver.events',
    `SELECT * FROM deltaLake('${url}')`,
    `SELECT * FROM s3('${url}/*.parquet')`,
    `SELECT * FROM url('${url}')`,
    "SELECT * FROM silver.events WHERE throwIf(name = 'a')",
    'SELECT nonsense FROM silver.events',
    'DESCRIBE silver.events',
    'EXPLAIN indexes = 1, actions = 1 SELECT * FROM silver.events',
    'EXPLAIN PIPELINE SELECT * FROM silver.events',
  ];
  for (const sql of attempts) {
    const { text } = await ask(sql);
    // What the question itself names may come back.
    for (const word of hidden) if (!sql.includes(word)) expect(`${sql}: ${text}`).not.toContain(word);
  }
});

test('an error of the store keeps its request to itself', async () => {
  const store = await openLake();
  for await (const { path } of store.list('silver/events/'))
    if (path.endsWith('.parquet')) await store.delete(path);
  const { status, text } = await ask('SELECT name FROM silver.events');
  expect(status).toBeGreaterThanOrEqual(400);
  for (const word of [s3Credentials.accessKeyId, new URL(server.endpoint).host, prefix])
    expect(text).not.toContain(word);
  for await (const { path } of store.list('silver/events/')) await store.delete(path);
  const gone = await ask('SELECT name FROM silver.events');
  expect(gone.status).toBeGreaterThanOrEqual(400);
  for (const word of [s3Credentials.accessKeyId, new URL(server.endpoint).host, prefix]) {
    expect(gone.text).not.toContain(word);
  }
});

test('while no store answers, a query fails, and the others do not', async () => {
  await server.close();
  const { status, text } = await ask('SELECT name FROM silver.events');
  expect(status).toBeGreaterThanOrEqual(400);
  for (const word of [s3Credentials.accessKeyId, new URL(server.endpoint).host, prefix])
    expect(text).not.toContain(word);
  expect((await ask('SELECT 1')).text).toBe('1\n');
});

test.each([
  [{ root: 's3://b/p' }, /s3\.region/],
  [{ root: 's3://b/p', s3: { region: 'eu-west-1' } }, 'https://b.s3.eu-west-1.amazonaws.com/p'],
  [{ root: 's3://b.c/', s3: { region: 'eu-west-1' } }, 'https://s3.eu-west-1.amazonaws.com/b.c'],
  [{ root: 's3://b/p/q', s3: { endpoint: 'http://h:9000/' } }, 'http://h:9000/b/p/q'],
  [{ root: 's3://b/p', s3: { endpoint: 'https://h', forcePathStyle: false } }, 'https://b.h/p'],
  [{ root: '/x' }, '/x'],
  [{ root: 'abfss://x/y' }, /only a lakehouse/],
] as const)('%j is named so that ClickHouse finds it', (root, expected) => {
  const address = lakeAddress(root);
  if (expected instanceof RegExp) expect(address).toMatch(expected);
  else expect(address).toMatchObject({ base: expected });
});

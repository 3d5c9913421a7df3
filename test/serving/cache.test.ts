import { once } from 'node:events';
import { connect } from 'node:net';
import { createTable, localStore } from '@eventlake/delta';
import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectServing } from '../../packages/eventlake/src/serving/connect.js';
import { ResultCache } from '../../packages/eventlake/src/serving/endpoint/cache/result-cache.js';
import { readWriterSecret } from '../../packages/eventlake/src/serving/endpoint/endpoint-file.js';
import { type Endpoint, startEndpoint } from '../../packages/eventlake/src/serving/endpoint/start.js';
import type { Serving } from '../../packages/eventlake/src/serving/serving.js';
import { makeFolder } from './processes.js';

let folder: Awaited<ReturnType<typeof makeFolder>>;
let endpoint: Endpoint;
let serving: Serving;
let writer: Record<string, string>;

beforeAll(async () => {
  folder = await makeFolder();
  const [dataDir, lakehouse] = [`${folder.path}/data`, `${folder.path}/lake`];
  const field = { name: 'n', type: 'long' as const, nullable: true, metadata: {} };
  await createTable(localStore(lakehouse), 'silver/user_events', {
    schema: { type: 'struct', fields: [field] },
  });
  const logger = pino({ level: 'silent' });
  const lake = { root: lakehouse, tables: [{ name: 'silver.user_events' }, { name: 'silver.later' }] };
  endpoint = await startEndpoint({ dataDir, host: '127.0.0.1', port: 0, logger, lake });
  const settings = { clickhouse: { host: '127.0.0.1', port: 0 }, lakehouse };
  serving = await connectServing({ settings, dataDir, logger });
  const columns = [{ name: 'n', type: 'Int64' }];
  await serving.ensure(
    ['realtime.t', 'realtime.other', 'gold.kpi'].map((name) => {
      return { name, columns, engine: 'MergeTree', orderBy: ['n'] };
    }),
  );
  writer = { 'X-ClickHouse-User': 'writer', 'X-ClickHouse-Key': await readWriterSecret(dataDir) };
});

afterAll(async () => {
  await serving.close();
  await endpoint.close();
  await folder.remove();
});

async function ask(query: string, url = '', headers: Record<string, string> = {}, signal?: AbortSignal) {
  const options = { method: 'POST', body: query, headers, ...(signal ? { signal } : {}) };
  const response = await fetch(`${endpoint.url}/?${url}`, options);
  return { how: response.headers.get('x-eventlake-cache') ?? 'run', text: await response.text() };
}

const command = (sql: string) => ask(sql, '', writer);
const SUM = 'SELECT sum(n) FROM realtime.t';

test('the same question is answered once, in each format, encoding, database and with each setting by itself', async () => {
  const variants: [string, string, Record<string, string>?][] = [
    ['SELECT 1 AS a, 2 AS b', ''],
    ['SELECT 1 AS a, 2 AS b', 'default_format=JSON'],
    ['SELECT 1 AS a, 2 AS b', 'default_format=CSV&format_csv_delimiter=%3B'],
    ['SELECT 1 AS a, 2 AS b', 'default_format=CSV', { 'Accept-Encoding': 'gzip' }],
    ['SELECT 1 AS a, 2 AS b', 'default_format=CSV', { 'Accept-Encoding': 'identity' }],
    ['SELECT 1 AS a, 2 AS b', 'default_format=Native&compress=1'],
    ['SELECT {x:Int8}', 'param_x=1'],
    ['SELECT {x:Int8}', 'param_x=2'],
    ['SELECT n FROM t WHERE 0', 'database=realtime&default_format=Native'],
  ];
  const first = [];
  for (const [query, url, headers] of variants) first.push(await ask(query, url, headers));
  expect(first.map(({ how }) => how)).toEqual(variants.map(() => 'run'));
  expect(new Set(first.map(({ text }) => text)).size).toBeGreaterThanOrEqual(variants.length - 2);
  for (const [i, [query, url, headers]] of variants.entries()) {
    expect(await ask(query, url, headers)).toEqual({ how: 'hit', text: first[i]!.text });
  }
});

test('what was acknowledged is read at once, whatever is kept', async () => {
  let expected = 0;
  for (let i = 1; i <= 30; i++) {
    await serving.insert('realtime.t', [{ n: i }], `own/${i}`);
    expected += i;
    expect((await ask(SUM)).text).toBe(`${expected}\n`);
    expect((await ask(SUM)).text).toBe(`${expected}\n`);
  }
  expect((await ask(SUM)).how).toBe('hit');
});

test('readers beside a writer never see less than what was acknowledged before they asked', async () => {
  const count = 'SELECT count() FROM realtime.other';
  let acknowledged = 0;
  let going = true;
  let hits = 0;
  const readers = Array.from({ length: 4 }, async () => {
    while (going) {
      const before = acknowledged;
      const { how, text } = await ask(count);
      if (how !== 'run') hits++;
      expect(Number(text)).toBeGreaterThanOrEqual(before);
    }
  });
  for (let i = 0; i < 30; i++) {
    await serving.insert('realtime.other', [{ n: i }], `beside/${i}`);
    acknowledged++;
  }
  going = false;
  await Promise.all(readers);
  expect(hits).toBeGreaterThan(0);
});

test('an insert into one table leaves the results of others', async () => {
  await ask(SUM);
  await serving.insert('realtime.other', [{ n: 1 }], 'unrelated');
  expect((await ask(SUM)).how).toBe('hit');
});

test('a publication is seen at once, and so is a changed, dropped, or remade table', async () => {
  const kpi = 'SELECT * FROM gold.kpi';
  for (const n of [1, 2, 3]) {
    await serving.publish('gold.kpi', [{ n }]);
    expect((await ask(kpi)).text).toBe(`${n}\n`);
  }
  await command('ALTER TABLE gold.kpi ADD COLUMN m Int8 DEFAULT 7');
  expect((await ask(kpi)).text).toBe('3\t7\n');
  await command('TRUNCATE TABLE gold.kpi');
  expect((await ask(kpi)).text).toBe('');
  await command('DROP TABLE gold.kpi');
  expect((await ask(kpi)).text).toContain('UNKNOWN_TABLE');
  await command('CREATE TABLE gold.kpi (n Int64) ENGINE = MergeTree ORDER BY n');
  await command('INSERT INTO gold.kpi VALUES (9)');
  expect((await ask(kpi)).text).toBe('9\n');
});

test('rows that a materialized view makes are seen at once', async () => {
  await command('CREATE TABLE realtime.source (n Int64) ENGINE = MergeTree ORDER BY n');
  await command('CREATE TABLE realtime.made (n Int64) ENGINE = MergeTree ORDER BY n');
  await command('CREATE MATERIALIZED VIEW realtime.mv TO realtime.made AS SELECT n FROM realtime.source');
  for (const n of [1, 2, 3]) {
    await command(`INSERT INTO realtime.source VALUES (${n})`);
    expect((await ask('SELECT count() FROM realtime.made')).text).toBe(`${n}\n`);
  }
  await command('DROP TABLE realtime.mv');
});

test('what depends on more than the tables is asked each time', async () => {
  await command('CREATE VIEW realtime.v AS SELECT count() AS c FROM silver.user_events');
  for (const query of [
    'SELECT now()',
    'SELECT NOW64(3)',
    'SELECT today',
    'SELECT `now`()',
    'SELECT current_timestamp',
    'SELECT rand()',
    'SELECT generateUUIDv4()',
    'SELECT * FROM generateRandom() LIMIT 1',
    'SELECT arrayMap(x -> yesterday(), [1])',
    'SELECT count() FROM system.tables',
    'SELECT count() FROM silver.user_events',
    'SELECT count() FROM silver . /* x */ "user_events"',
    'SELECT (SELECT count() FROM silver.user_events)',
    'SELECT 1 IN silver.user_events',
    'SELECT * FROM realtime.v',
    'SELECT _part FROM realtime.t LIMIT 1',
    'SHOW TABLES FROM realtime',
    'DESCRIBE TABLE realtime.t',
    'EXPLAIN SELECT 1',
    'EXISTS TABLE realtime.t',
    'SELECT nothing_like_it',
  ]) {
    await ask(query);
    expect((await ask(query)).how, query).toBe('run');
  }
  await ask('SELECT 5', 'use_query_cache=0');
  expect((await ask('SELECT 5', 'use_query_cache=0')).how).toBe('run');
  const named = 'SELECT count() FROM {t:Identifier}';
  await ask(named, 'param_t=silver.user_events');
  expect((await ask(named, 'param_t=silver.user_events')).how).toBe('run');
});

test('a table of the lake that appears later is never answered from before', async () => {
  expect((await ask('SELECT count() FROM silver.later')).text).toContain('UNKNOWN_TABLE');
  const field = { name: 'n', type: 'long' as const, nullable: true, metadata: {} };
  await createTable(localStore(`${folder.path}/lake`), 'silver/later', {
    schema: { type: 'struct', fields: [field] },
  });
  let last = { how: '', text: '' };
  while (last.text !== '0\n') last = await ask('SELECT count() FROM silver.later');
  expect((await ask('SELECT count() FROM silver.later')).how).toBe('run');
});

test('equal questions at the same time are run once, and outlive the one that came first', async () => {
  const slow = (n: number, rows = 8_000_000) => `SELECT sum(sipHash64(number + ${n})) FROM numbers(${rows})`;
  const all = await Promise.all(Array.from({ length: 20 }, () => ask(slow(1, 1_000_000))));
  expect(new Set(all.map(({ text }) => text)).size).toBe(1);
  expect(all.filter(({ how }) => how === 'run')).toHaveLength(1);
  const first = new AbortController();
  const gone = ask(slow(2), '', {}, first.signal).catch(() => 'gone');
  await new Promise((resolve) => setTimeout(resolve, 50));
  const others = [ask(slow(2)), ask(slow(2))];
  first.abort();
  expect(await gone).toBe('gone');
  const [a, b] = await Promise.all(others);
  expect(a!.text).toBe(b!.text);
  expect(Number(a!.text)).toBeGreaterThan(0);
});

test('a client that reads nothing keeps no other from the same', async () => {
  const query = "SELECT repeat('r', 999) FROM numbers(20_000)";
  const { hostname, port } = new URL(endpoint.url);
  const idle = connect(Number(port), hostname);
  idle.write(`POST / HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: ${query.length}\r\n\r\n${query}`);
  await once(idle, 'readable');
  expect((await ask(query, '', { 'Accept-Encoding': 'identity' })).text).toHaveLength(20_000_000);
  idle.destroy();
});

test('the writer is never answered from the cache', async () => {
  await ask('SELECT 77');
  expect((await ask('SELECT 77', '', writer)).how).toBe('run');
});

test('what is kept has a bound, and an age', async () => {
  const cache = new ResultCache({ bytesMax: 10_000, resultBytesMax: 1000, ageMsMax: 20 });
  const result = { bytes: new Uint8Array(), elapsed: 0, rowsRead: 0, bytesRead: 0 };
  const keep = (key: string, length: number) =>
    cache.begin(key)({ bytes: Buffer.alloc(length), isPlain: false, result });
  for (let i = 0; i < 1000; i++) {
    keep(`k${i}`, 900);
    expect(cache.bytes).toBeLessThanOrEqual(10_000);
  }
  expect(cache.get('k999')).toBeDefined();
  expect(cache.get('k0')).toBeUndefined();
  keep('long', 1001);
  expect(cache.get('long')).toBeUndefined();
  while (cache.entries > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(cache.bytes).toBe(0);
  cache.close();
});

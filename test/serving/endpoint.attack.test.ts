import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createTable, localStore } from '@eventlake/delta';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectServing } from '../../packages/eventlake/src/serving/connect.js';
import { type Endpoint, startEndpoint } from '../../packages/eventlake/src/serving/endpoint/start.js';
import type { Serving } from '../../packages/eventlake/src/serving/serving.js';
import { attacks, type Targets } from './attacks.js';
import { mutations } from './mutations.js';
import { makeFolder } from './processes.js';

const logger = pino({ level: 'silent' });
const CANARY = `canary-${Math.random().toString(36).slice(2)}`;

let folder: Awaited<ReturnType<typeof makeFolder>>;
let endpoint: Endpoint;
let serving: Serving;
let targets: Targets;
let heard = 0;
const stranger = createServer((_, response) => {
  heard++;
  response.end(`${CANARY}\n`);
});

beforeAll(async () => {
  folder = await makeFolder();
  const dataDir = join(folder.path, 'data');
  const lakehouse = join(folder.path, 'lake');
  const file = join(folder.path, 'secret.txt');
  const out = join(folder.path, 'out');
  await mkdir(out);
  await writeFile(file, `${CANARY}\n`);
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
  targets = { file, folder: out, url: `http://127.0.0.1:${(stranger.address() as AddressInfo).port}` };
  await mkdir(lakehouse);
  await createTable(localStore(lakehouse), 'silver/user_events', {
    schema: { type: 'struct', fields: [{ name: 'n', type: 'long', nullable: true, metadata: {} }] },
  });
  const lake = { root: lakehouse, tables: [{ name: 'silver.user_events' }] };
  endpoint = await startEndpoint({ dataDir, host: '127.0.0.1', port: 0, logger, lake });
  const settings = { clickhouse: { host: '127.0.0.1', port: 0 }, lakehouse };
  serving = await connectServing({ settings, dataDir, logger });
  await serving.ensure([
    { name: 'realtime.t', columns: [{ name: 'a', type: 'Int32' }], engine: 'MergeTree', orderBy: ['a'] },
    { name: 'secret.t', columns: [{ name: 'x', type: 'String' }], engine: 'MergeTree', orderBy: ['x'] },
  ]);
  await serving.insert('realtime.t', [{ a: 1 }], '1');
  await serving.insert('secret.t', [{ x: CANARY }], '1');
});

afterAll(async () => {
  await serving.close();
  await endpoint.close();
  stranger.close();
  await folder.remove();
});

async function ask(sql: string, parameters: Record<string, string> = {}) {
  const query = new URLSearchParams(parameters);
  const response = await fetch(`${endpoint.url}/?${query}`, { method: 'POST', body: sql });
  return { status: response.status, text: await response.text() };
}

async function nothingHappened(): Promise<void> {
  expect(heard, 'requests that reached the network').toBe(0);
  expect(await readdir(targets.folder)).toEqual([]);
  expect(await serving.query('SELECT a FROM realtime.t')).toEqual([{ a: 1 }]);
  const tables = await serving.query<{ n: number }>(
    `SELECT count() AS n FROM system.tables WHERE database IN ('realtime', 'secret', 'default', 'x')`,
  );
  expect(tables).toEqual([{ n: 2 }]);
}

/** What of a reader's connection could be other than it was: connections are used again. */
async function stateOfReaders(parameters: Record<string, string>): Promise<string> {
  const { text } = await ask(
    `SELECT currentRoles(), currentDatabase(), currentUser(),
      (SELECT groupArray((name, value)) FROM (SELECT name, value FROM system.settings WHERE changed ORDER BY name))`,
    parameters,
  );
  return text;
}

test('there are 150 attacks and more', () => {
  expect(new Set(attacks(targets)).size).toBeGreaterThan(150);
});

test('every attack is refused, and nothing happens', async () => {
  const secret = (await readFile(join(folder.path, 'data/clickhouse/writer.secret'), 'utf8')).trim();
  const passed: string[] = [];
  const parameters = { param_f: 'file', param_d: 'secret', param_t: 't' };
  const state = await stateOfReaders(parameters);
  expect(state).toContain("['reader']");
  for (const sql of attacks(targets)) {
    const { status, text } = await ask(sql, parameters);
    if (status === 200) passed.push(`${sql} → ${text.slice(0, 100)}`);
    expect(text, sql).not.toContain(CANARY);
    expect(text, sql).not.toContain(secret);
  }
  expect(passed).toEqual([]);
  expect(await stateOfReaders(parameters)).toBe(state);
  await nothingHappened();
});

test('mutated attacks show nothing and change nothing', async () => {
  const seed = Number(process.env.EVENTLAKE_TEST_SEED ?? Date.now() % 1_000_000);
  console.log(`seed ${seed}`);
  const asked = mutations(attacks(targets), seed, 1500);
  const parameters = { param_f: 'file', param_d: 'secret', param_t: 't' };
  const state = await stateOfReaders(parameters);
  for (const sql of asked) {
    const { status, text } = await ask(sql, parameters);
    expect(text, `seed ${seed}: ${sql}`).not.toContain(CANARY);
    // One at a time, so that this is the connection which that one ran on.
    if (status === 200) expect(await stateOfReaders(parameters), `seed ${seed}: ${sql}`).toBe(state);
  }
  await nothingHappened();
});

describe('by the URL and headers', () => {
  test.each<Record<string, string>>([
    { max_execution_time: '1000000', query: "SELECT getSetting('max_execution_time')" },
    { max_memory_usage: '1000000000000', query: "SELECT getSetting('max_memory_usage') > 3e9 ? 1000000 : 1" },
    { max_threads: '1000000', query: "SELECT getSetting('max_threads')" },
    { readonly: '0', query: "SELECT getSetting('readonly') = 2 ? 0 : 1000000" },
  ])('a bound cannot be raised: $query', async (parameters) => {
    const { status, text } = await ask('', parameters);
    expect(status).toBe(200);
    expect(Number(text)).toBeLessThan(1_000_000);
  });

  test.each<Record<string, string>>([
    { allow_introspection_functions: '1' },
    { format_schema: '/etc/passwd:x' },
    { format_template_resultset: '/etc/passwd' },
    { profile: 'default' },
    { max_parser_depth: '1000000' },
    { 'max_threads=1, readonly': '0' },
    { 'param_x = 1, readonly': '0' },
    { default_format: 'TSV SETTINGS max_execution_time = 0' },
    { default_format: 'TSV; DROP TABLE realtime.t' },
    { database: 'secret; SET ROLE ALL' },
    { param_x: "1'; SET ROLE ALL; SELECT '1", query: 'SELECT * FROM secret.t' },
    { database: 'secret', query: 'SELECT * FROM t' },
    { database: 'system', query: 'SELECT * FROM processes' },
    { role: 'writer', query: 'SELECT * FROM secret.t' },
    { session_id: 'x', query: 'SELECT * FROM secret.t' },
    { user: 'writer', query: 'SELECT * FROM secret.t' },
    { user: 'writer', password: 'x', query: 'SELECT * FROM secret.t' },
    { user: 'nobody', query: 'SELECT 1' },
  ])('refused: %o', async (parameters) => {
    const { status, text } = await ask('', { query: 'SELECT 1', ...parameters });
    expect(text).not.toContain(CANARY);
    expect(status).not.toBe(200);
    await nothingHappened();
  });
});

test('what readers need works', async () => {
  const answers = [
    'SELECT 1',
    'SELECT displayName(), version(), revision(), timezone()',
    'SELECT a FROM realtime.t',
    'SELECT sum(a) FROM realtime.t WHERE a >= toDateTime(0) GROUP BY a ORDER BY a LIMIT 10 SETTINGS join_use_nulls = 1',
    'SELECT count() FROM silver.user_events',
    "SELECT round((a * 100), 2) AS value, 'file(' AS s, '; SET ROLE' FROM realtime.t",
    'SELECT a AS file, a AS url, a AS "into", a AS `settings` FROM realtime.t',
    "SELECT format('{} {}', 'a', 'b'), path('http://a/b'), 1e5, 0x1f, .5",
    'WITH ((1, (2, 3)), 4) AS t SELECT t.1.2, t.1.2.1, (t.1).2.1, [t][1].1.2, `t`.1.1',
    'WITH x AS (SELECT 1 AS n) SELECT n FROM x UNION ALL SELECT 2',
    '(SELECT 1)',
    'SELECT 1; -- the end',
    'SHOW DATABASES',
    'SHOW TABLES FROM realtime',
    "SHOW TABLES IN realtime LIKE '%t%'",
    'SHOW COLUMNS FROM realtime.t',
    'DESCRIBE TABLE realtime.t',
    'DESC silver.user_events',
    'EXISTS realtime.t',
    'EXPLAIN SELECT a FROM realtime.t',
    'EXPLAIN PIPELINE SELECT a FROM realtime.t',
    "SELECT name, engine FROM system.tables WHERE database = 'realtime'",
    "SELECT database, table, name, type FROM system.columns WHERE table = 't'",
    'SELECT name FROM system.databases',
    "SELECT name, value FROM system.settings WHERE name = 'max_threads'",
    'SELECT count() FROM system.functions',
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'realtime'",
    'SELECT * FROM numbers(3)',
    'SELECT 1 AS n SETTINGS join_use_nulls = 1, extremes FORMAT TSV',
    'SELECT settings FROM (SELECT 1 AS settings) WHERE settings = 1 GROUP BY settings ORDER BY settings DESC',
    'SELECT count(*) FROM system.tables',
    "SELECT * FROM values('a Int32', 1, 2)",
    'SELECT toStartOfInterval(toDateTime(a), INTERVAL 60 second) AS t FROM realtime.t',
    'SELECT hostName(), currentDatabase(), currentUser(), now()',
  ];
  const failed: string[] = [];
  for (const sql of answers) {
    const { status, text } = await ask(sql);
    if (status !== 200) failed.push(`${sql} → ${text}`);
  }
  expect(failed).toEqual([]);
});

test('a reader sees the databases that are for readers, and no other', async () => {
  expect(
    (await ask('SHOW DATABASES')).text.split('\n').filter((name) => ['secret', 'staging'].includes(name)),
  ).toEqual([]);
  expect((await ask("SELECT count() FROM system.tables WHERE database = 'secret'")).text).toBe('0\n');
  expect((await ask("SELECT count() FROM system.columns WHERE database = 'secret'")).text).toBe('0\n');
});

test('every table function of the engine is known to the guard', async () => {
  const { allowedTableFunctions, forbiddenFunctions } = await import(
    '../../packages/eventlake/src/serving/endpoint/sql/forbidden.js'
  );
  const { text } = await ask('SELECT lower(name) FROM system.table_functions');
  const unknown = text
    .trim()
    .split('\n')
    .filter((name) => !allowedTableFunctions.has(name) && !forbiddenFunctions.has(name));
  expect(unknown).toEqual([]);
});

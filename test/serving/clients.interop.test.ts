import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectServing } from '../../packages/eventlake/src/serving/connect.js';
import { readWriterSecret } from '../../packages/eventlake/src/serving/endpoint/endpoint-file.js';
import { type Endpoint, startEndpoint } from '../../packages/eventlake/src/serving/endpoint/start.js';
import { makeFolder } from './processes.js';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');
const CLIENTS = join(ROOT, '.cache/clickhouse-clients');
const logger = pino({ level: 'silent' });

/** Every type that our tables use, and some that people use. */
const TYPES_QUERY = `SELECT number, toString(number) AS s, toDateTime(0, 'UTC') AS t, toDateTime64(0, 6, 'UTC') AS t6,
  toDate(0) AS d, toNullable(1.5) AS n, toLowCardinality('x') AS l, [1, 2] AS a, toInt32(-1) AS i, true AS b,
  toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0') AS u, toDecimal64(1.5, 2) AS dec, CAST(NULL, 'Nullable(Int32)') AS nothing
  FROM numbers(3)`;

let folder: Awaited<ReturnType<typeof makeFolder>>;
let endpoint: Endpoint;
let secret: string;

beforeAll(async () => {
  await run(join(ROOT, 'scripts/setup-clickhouse-clients'));
  folder = await makeFolder();
  endpoint = await startEndpoint({ dataDir: folder.path, host: '127.0.0.1', port: 0, logger });
  secret = await readWriterSecret(folder.path);
  const settings = { clickhouse: { host: '127.0.0.1', port: 0 }, lakehouse: folder.path };
  const serving = await connectServing({ settings, dataDir: folder.path, logger });
  const columns = [{ name: 'a', type: 'Int32' }];
  await serving.ensure([{ name: 'realtime.t', columns, engine: 'MergeTree', orderBy: ['a'] }]);
  await serving.close();
});
afterAll(async () => {
  await endpoint?.close();
  await folder?.remove();
});

const all = {
  types: 3,
  million: 1_000_000,
  empty: ['a', 't'],
  error: 47,
  'late error': 395,
  parameter: 5,
};
const written = { insert: [10_000, 49_995_000] };

async function checks(program: string, args: readonly string[]): Promise<Record<string, unknown>> {
  const { stdout } = await run(program, args, { env: { ...process.env, TYPES_QUERY } });
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { check: string; value: unknown });
  return Object.fromEntries(lines.map(({ check, value }) => [check, value]));
}

const users = () => [
  ['default', ''],
  ['writer', secret],
];

describe('clickhouse-go', () => {
  test.each(['none', 'lz4', 'zstd', 'gzip', 'deflate', 'br'])('compression %s', async (compression) => {
    const address = new URL(endpoint.url).host;
    for (const [user, password] of users()) {
      const found = await checks(join(CLIENTS, 'go-client'), [address, user!, password!, compression]);
      expect(found).toEqual(user === 'writer' ? { ...all, ...written } : all);
    }
  });
});

describe('clickhouse-connect', () => {
  test.each(['default', 'none', 'lz4', 'zstd', 'gzip'])('compression %s', async (compression) => {
    for (const [user, password] of users()) {
      const args = [
        join(import.meta.dirname, 'clients/python/client.py'),
        endpoint.url,
        user!,
        password!,
        compression,
      ];
      const found = await checks(join(CLIENTS, 'python/bin/python'), args);
      expect(found).toEqual(user === 'writer' ? { ...all, ...written, session: 3 } : all);
    }
  });
});

describe('jdbc-v2', () => {
  test.each(['default', 'none'])('compression %s', async (compression) => {
    for (const [user, password] of users()) {
      const args = ['-Xmx400m', '-cp', `${CLIENTS}/java/*:${CLIENTS}/java`, 'Client'];
      const found = await checks('java', [...args, endpoint.url, user!, password!, compression]);
      // From a stream that breaks, the driver makes an error without a number.
      const expected = { ...all, 'late error': -1, metadata: true };
      expect(found).toEqual(user === 'writer' ? { ...expected, ...written } : expected);
    }
  });
});

describe('curl', () => {
  const curl = async (...args: string[]) => (await run('curl', ['-sS', ...args])).stdout;

  test('queries in the address and in the body', async () => {
    expect(await curl(`${endpoint.url}/?query=SELECT%201`)).toBe('1\n');
    expect(await curl(endpoint.url, '--data-binary', 'SELECT 1 FORMAT JSONEachRow')).toBe('{"1":1}\n');
    expect(await curl(`${endpoint.url}/?param_n=7`, '-d', 'SELECT {n:UInt8}')).toBe('7\n');
    expect(await curl(`${endpoint.url}/ping`)).toBe('Ok.\n');
    expect(await curl('--compressed', endpoint.url, '-d', 'SELECT count() FROM numbers(10)')).toBe('10\n');
    expect(await curl(`http://writer:${secret}@${new URL(endpoint.url).host}`, '-d', 'SELECT 1')).toBe('1\n');
    expect(await curl('-w', '%{http_code}', '-o', '/dev/null', endpoint.url, '-d', 'SELECT nope')).toBe(
      '404',
    );
  });
});

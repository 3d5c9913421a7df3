import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localStore } from '@eventlake/delta';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../packages/eventlake/src/engine/engine.js';
import {
  openSparkEngine,
  type SparkEngineOptions,
} from '../../packages/eventlake/src/engine/spark/engine.js';
import { contractEvent } from '../contracts/engine.js';
import { cuttingProxy } from './spark/cutting-proxy.js';
import { type SparkServer, startSpark } from './spark/server.js';

const TOKEN = 'a-token-of-the-test';
const numbers = { name: 'a.numbers', columns: [{ name: 'n', type: 'integer' as const }] };

let server: SparkServer;
let folder: string;
const engines: Engine[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eventlake-spark-failures-'));
  server = await startSpark({ token: TOKEN });
});
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});
afterAll(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

async function open(options: Partial<SparkEngineOptions> = {}): Promise<Engine> {
  const engine = await openSparkEngine({
    store: localStore(folder),
    url: server.url,
    token: TOKEN,
    connectTimeoutMs: 60_000,
    statementTimeoutMs: 300_000,
    ...options,
  });
  engines.push(engine);
  return engine;
}

describe('the way to the server', () => {
  test('nobody there: which address, and how to start one', async () => {
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
    const { port } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    await expect(open({ url: `sc://127.0.0.1:${port}` })).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'No Spark Connect server answers',
      where: { url: `sc://127.0.0.1:${port}` },
      hint: expect.stringContaining('scripts/spark start'),
    });
  });

  test('a token that is wrong, or missing, is refused and not repeated in the error', async () => {
    for (const token of ['another-token', undefined]) {
      const error = await open({ token }).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ kind: 'forbidden', hint: expect.stringContaining('spark.token') });
      expect(JSON.stringify(error)).not.toContain('another-token');
    }
    await open({ token: undefined, url: `${server.url}/;token=${TOKEN}` });
  });

  test('connections that break in the middle of a statement are mended; nothing is lost or repeated', async () => {
    // Answers are 80 kB: several come before each cut, and a dozen cuts before the last.
    const proxy = await cuttingProxy(server.url, 1_000_000);
    try {
      const session = await (await open({ url: proxy.url })).open();
      const longs = await session.longs('SELECT id FROM range(0, 2000000, 1, 8)');
      expect(proxy.cuts).toBeGreaterThan(5);
      expect(longs.length).toBe(2_000_000);
      expect(longs.sort().every((value, i) => value === BigInt(i))).toBe(true);
      await session.close();
    } finally {
      proxy.close();
    }
  });
});

describe('what runs', () => {
  // Minutes of work on any machine.
  const slow = 'SELECT count(*) AS n FROM range(0, 1000000000000)';

  test('is interrupted when the job is to stop', async () => {
    const controller = new AbortController();
    const session = await (await open({ signal: controller.signal })).open();
    const running = session.query(slow);
    setTimeout(() => controller.abort(new Error('stop')), 500);
    await expect(running).rejects.toThrow('stop');
    await session.close();
  });

  test('is given up when it takes too long, by an error that names the setting', async () => {
    const session = await (await open({ statementTimeoutMs: 5_000 })).open();
    await expect(session.query(slow)).rejects.toMatchObject({
      kind: 'limit',
      where: { setting: 'spark.statementTimeoutMs' },
    });
    await session.close();
  });

  test('a server that was killed and came back has lost the session, and nothing was committed', async () => {
    const engine = await open();
    await engine.createTable(numbers);
    const session = await engine.open();
    await session.define('mine', 'SELECT 1 AS n');
    await server.kill();
    await server.restart();
    await expect(session.prepare('a.numbers', 'SELECT n FROM mine')).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('lost the session'),
      where: { table: 'a.numbers', url: server.url },
    });
    await session.close();
    const again = await engine.open();
    await again.prepare('a.numbers', 'SELECT 1 AS n');
    await again.close();
    expect(await engine.tableState('a.numbers')).toMatchObject({ recordCount: 0 });
  });
});

describe('what the cluster lacks', () => {
  test('a folder that is another one there: no commit, and the reason', async () => {
    const here = process.cwd();
    process.chdir(folder);
    try {
      // Each process has its own: the same path, and not the same folder.
      const engine = await open({ store: localStore('/proc/self/cwd/not-shared') });
      await engine.createTable(numbers);
      const session = await engine.open();
      await expect(session.prepare('a.numbers', 'SELECT 1 AS n')).rejects.toMatchObject({
        kind: 'unavailable',
        where: { table: 'a.numbers' },
        hint: expect.stringContaining('the same store'),
      });
      await session.close();
      expect(await engine.tableState('a.numbers')).toMatchObject({ version: 0, recordCount: 0 });
    } finally {
      process.chdir(here);
      await rm(join(here, 'not-shared'), { recursive: true, force: true });
    }
  });

  test('the jars of Kafka and of Delta, each by its name', async () => {
    const bare = await startSpark({ without: ['delta', 'kafka'] });
    try {
      const engine = await open({
        url: bare.url,
        kafka: { 'kafka.bootstrap.servers': '127.0.0.1:9' },
        readLimits: { filesMax: 0, partitionsMax: 0 },
      });
      await engine.createTable({ ...numbers, name: 'a.others' });
      const session = await engine.open();
      const write = await session.prepare('a.others', 'SELECT 1 AS n');
      await session.commit(write, { appId: 'job', version: 1 }, 'append');
      const lacks = (jar: string) => ({
        kind: 'invalid',
        message: expect.stringContaining(`lacks the jar of ${jar}`),
      });
      await expect(session.readTable('t', 'a.others')).rejects.toMatchObject(lacks('delta-spark'));
      const range = { partition: 0, from: 0, to: 1 };
      await expect(session.readLog('l', contractEvent, [range])).rejects.toMatchObject(
        lacks('spark-sql-kafka'),
      );
      await session.close();
    } finally {
      await bare.close();
    }
  });
});

test('a table of many files is read by Spark as the Delta table that it is, with the same rows', async () => {
  const name = 'a.partitioned';
  const columns = [...numbers.columns, { name: 'day', type: 'date' as const }];
  const rows = async (engine: Engine) => {
    const session = await engine.open();
    const where = { column: 'day', op: '>=', value: '2025-01-02' } as const;
    await session.readTable('t', name, { where, version: 2, columns: ['day', 'n'] });
    const result = await session.query('SELECT * FROM t ORDER BY n');
    await session.close();
    return result;
  };
  const direct = await open();
  await direct.createTable({ name, columns, partitionBy: ['day'] });
  for (const version of [1, 2, 3]) {
    const session = await direct.open();
    const sql = `SELECT ${version} AS n, CAST('2025-01-0${version}' AS DATE) AS day UNION ALL SELECT 10, NULL`;
    await session.commit(await session.prepare(name, sql), { appId: 'job', version }, 'append');
    await session.close();
  }
  const found = await rows(await open({ readLimits: { filesMax: 0, partitionsMax: 0 } }));
  expect(found).toEqual([{ day: '2025-01-02', n: 2 }]);
  expect(await rows(direct)).toEqual(found);
});

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectRouter } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { localStore } from '@eventlake/delta';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../packages/eventlake/src/engine/engine.js';
import { rowsOf } from '../../packages/eventlake/src/engine/spark/arrow.js';
import { SparkClient } from '../../packages/eventlake/src/engine/spark/connect/client.js';
import { ConnectSession } from '../../packages/eventlake/src/engine/spark/connect/session.js';
import {
  openSparkEngine,
  type SparkEngineOptions,
} from '../../packages/eventlake/src/engine/spark/engine.js';
import { SparkConnectService } from '../../packages/eventlake/src/engine/spark/protocol/spark/connect/base_pb.js';
import { sqlRelation } from '../../packages/eventlake/src/engine/spark/relations.js';
import { contractEvent } from '../contracts/engine.js';
import { cuttingProxy } from './spark/cutting-proxy.js';
import { type SparkServer, startSpark } from './spark/server.js';
import { tlsProxy } from './spark/tls-proxy.js';

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

/** Another gRPC server on this machine. */
async function serve(routes: (router: ConnectRouter) => void): Promise<{ url: string; close(): void }> {
  const sessions = new Set<ServerHttp2Session>();
  const grpc = createHttp2Server(connectNodeAdapter({ routes }));
  grpc.on('session', (session) => sessions.add(session));
  await new Promise<void>((resolve) => grpc.listen(0, '127.0.0.1', resolve));
  return {
    url: `sc://127.0.0.1:${(grpc.address() as AddressInfo).port}`,
    close: () => {
      for (const session of sessions) session.destroy();
      grpc.close();
    },
  };
}

async function read(blocks: AsyncIterable<Uint8Array>): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  for await (const block of blocks) rows.push(...rowsOf(block));
  return rows;
}

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

  test('encrypted, with a token: a server whose certificate is of an authority that was named, and no other', async () => {
    const proxy = await tlsProxy(server.url);
    try {
      const url = `sc://localhost:${proxy.port}/;use_ssl=true`;
      const session = await (await open({ url, caFile: proxy.caFile })).open();
      expect(await session.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
      await session.close();
      for (const caFile of [undefined, proxy.otherCaFile]) {
        await expect(open({ url, caFile })).rejects.toMatchObject({
          kind: 'forbidden',
          message: expect.stringContaining('certificate is not trusted'),
          where: { url: `sc://localhost:${proxy.port}` },
          hint: expect.stringContaining('spark.caFile'),
        });
      }
      // A certificate for another name.
      const elsewhere = `sc://127.0.0.1:${proxy.port}/;use_ssl=true`;
      await expect(open({ url: elsewhere, caFile: proxy.caFile })).rejects.toMatchObject({
        kind: 'forbidden',
      });
      await expect(open({ url, caFile: proxy.caFile, token: 'another-token' })).rejects.toMatchObject({
        kind: 'forbidden',
        hint: expect.stringContaining('spark.token'),
      });
      await expect(open({ url, caFile: join(folder, 'nowhere.crt') })).rejects.toMatchObject({
        kind: 'not-found',
        where: { setting: 'spark.caFile' },
      });
    } finally {
      proxy.close();
    }
  });

  test('a server of an older Spark is refused, by its version', async () => {
    // All that is asked of it before is its version.
    const older = await serve((router) =>
      router.service(SparkConnectService, {
        analyzePlan: () => ({ result: { case: 'sparkVersion', value: { version: '4.1.2' } } }),
        releaseSession: () => ({}),
      }),
    );
    try {
      await expect(open({ url: older.url })).rejects.toMatchObject({
        kind: 'invalid',
        message: 'The server is Spark 4.1.2, but it has to be 4.2 or later',
        where: { url: older.url },
        hint: expect.stringContaining('deploy/spark'),
      });
    } finally {
      older.close();
    }
  });

  test('what speaks gRPC, but is no Spark', async () => {
    const other = await serve(() => undefined);
    try {
      await expect(open({ url: other.url })).rejects.toMatchObject({
        kind: 'invalid',
        message: 'What answers is no Spark Connect server, or an old one',
      });
    } finally {
      other.close();
    }
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

  const counting = 'SELECT count(*) AS n FROM range(0, 10)';

  test('is interrupted when the job is to stop: its tasks end, and the same session goes on', async () => {
    const controller = new AbortController();
    const options = { url: server.url, token: TOKEN, connectTimeoutMs: 60_000, statementTimeoutMs: 300_000 };
    const stopped = new SparkClient({
      ...options,
      signal: controller.signal,
      onProgress: ({ tasks }) => tasks > 0 && controller.abort(new Error('stop')),
    });
    const other = new SparkClient(options);
    const session = stopped.newSession();
    await expect(read(session.rows(sqlRelation(slow)))).rejects.toThrow('stop');
    const again = new ConnectSession(other, session.identity().sessionId);
    // Two tasks held the server's two cores: a third one has to get one of them.
    expect(await read(again.rows(sqlRelation(counting)))).toEqual([{ n: 10 }]);
    await again.release();
    stopped.close();
    other.close();
  });

  test('is interrupted when it takes too long, by an error that names the setting; the session goes on', async () => {
    const warm = await (await open()).open();
    await warm.query(counting);
    await warm.close();
    const session = await (await open({ statementTimeoutMs: 20_000 })).open();
    await expect(session.query(slow)).rejects.toMatchObject({
      kind: 'limit',
      where: { setting: 'spark.statementTimeoutMs' },
    });
    expect(await session.query(counting)).toEqual([{ n: 10 }]);
    await session.close();
  });

  test('of which no more answers are wanted does not go on', async () => {
    const client = new SparkClient({
      url: server.url,
      token: TOKEN,
      connectTimeoutMs: 60_000,
      statementTimeoutMs: 300_000,
    });
    const session = client.newSession();
    // Answers come by partitions, in their order: these have one at once, the others never.
    const endless = `SELECT id FROM range(0, 10, 1, 2)
      UNION ALL SELECT id FROM range(0, 1000000000000, 1, 2) WHERE id % 3 = 5`;
    for await (const block of session.rows(sqlRelation(endless))) {
      if (block.length > 0) break;
    }
    expect(await read(session.rows(sqlRelation(counting)))).toEqual([{ n: 10 }]);
    await session.release();
    client.close();
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

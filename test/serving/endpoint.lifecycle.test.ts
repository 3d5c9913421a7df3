import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import pino from 'pino';
import { expect, test } from 'vitest';
import { connectServing } from '../../packages/eventlake/src/serving/connect.js';
import { findEndpoint } from '../../packages/eventlake/src/serving/endpoint/endpoint-file.js';
import { startEndpoint } from '../../packages/eventlake/src/serving/endpoint/start.js';
import { startFixture, temporaryFolder } from './processes.js';

const logger = pino({ level: 'silent' });
const settings = { clickhouse: { host: '127.0.0.1', port: 0 }, lakehouse: '/nowhere' };
const table = {
  name: 'realtime.t',
  columns: [{ name: 'n', type: 'UInt64' }],
  engine: 'MergeTree',
  orderBy: ['n'],
};

test('a command uses the endpoint that runs on its data folder', async () => {
  const dataDir = await temporaryFolder();
  const endpoint = startFixture('endpoint-process', [dataDir]);
  const url = await endpoint.nextLine();
  const serving = await connectServing({ settings, dataDir, logger });
  expect(serving.url).toBe(url);
  await serving.ensure([table]);
  await serving.insert('realtime.t', [{ n: 1 }], 'a');
  await serving.close();
  expect((await findEndpoint(dataDir))?.url).toBe(url);
});

test('a command without an endpoint opens one of its own, and others use it meanwhile', async () => {
  const dataDir = await temporaryFolder();
  const [first, second] = await Promise.all([
    connectServing({ settings, dataDir, logger }),
    connectServing({ settings, dataDir, logger }),
  ]);
  expect(first.url).toBe(second.url);
  await first.close();
  await second.close();
  expect(await findEndpoint(dataDir)).toBeUndefined();
});

test('a second endpoint on the data folder is told who has it', async () => {
  const dataDir = await temporaryFolder();
  const first = startFixture('endpoint-process', [dataDir]);
  const url = await first.nextLine();
  const second = startFixture('endpoint-process', [dataDir]);
  const said = await second.nextLine();
  expect(said).toMatch(`busy: process ${first.child.pid} serves this data folder already`);
  expect(said).toMatch(url);
  await expect(startEndpoint({ dataDir, host: '127.0.0.1', port: 0, logger })).rejects.toMatchObject({
    kind: 'busy',
    where: { url },
  });
});

test('a taken port is said at once', async () => {
  const dataDir = await temporaryFolder();
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as AddressInfo;
  await expect(startEndpoint({ dataDir, host: '127.0.0.1', port, logger })).rejects.toMatchObject({
    kind: 'busy',
    // Where the system tells, as Linux does: this very process.
    message: expect.stringMatching(
      `port ${port} on 127.0.0.1 is taken by (process ${process.pid} |another program)`,
    ),
    hint: expect.stringMatching(/port/),
  });
  other.close();
});

test('a start that fails at its end leaves the folder free for the next one in the same process', async () => {
  const dataDir = await temporaryFolder();
  const inTheWay = join(dataDir, 'clickhouse', 'endpoint.json', 'folder');
  await mkdir(inTheWay, { recursive: true });
  for (let attempt = 1; attempt <= 2; attempt++) {
    await expect(startEndpoint({ dataDir, host: '127.0.0.1', port: 0, logger })).rejects.toThrow();
  }
  await rm(join(inTheWay, '..'), { recursive: true });
  const serving = await connectServing({ settings, dataDir, logger });
  expect(await serving.query('SELECT 1 AS n')).toEqual([{ n: 1 }]);
  await serving.close();
});

test('an endpoint that was killed is not believed, and its folder can be opened again', async () => {
  const dataDir = await temporaryFolder();
  const endpoint = startFixture('endpoint-process', [dataDir]);
  await endpoint.nextLine();
  await endpoint.kill('SIGKILL');
  expect(await findEndpoint(dataDir)).toBeUndefined();
  const serving = await connectServing({ settings, dataDir, logger });
  expect(await serving.query('SELECT 1 AS x')).toEqual([{ x: 1 }]);
  await serving.close();
});

test('an address that a stranger took over is not believed', async () => {
  const dataDir = await temporaryFolder();
  const stranger = createServer((_, response) => response.end('Ok.\n')).listen(0, '127.0.0.1');
  await new Promise((resolve) => stranger.once('listening', resolve));
  const url = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`;
  const endpoint = await startEndpoint({ dataDir, host: '127.0.0.1', port: 0, logger });
  await endpoint.close();
  const stale = { pid: process.pid, url, startedAt: new Date().toISOString() };
  await writeFile(join(dataDir, 'clickhouse', 'endpoint.json'), JSON.stringify(stale));
  expect(await findEndpoint(dataDir)).toBeUndefined();
  stranger.close();
});

test('a job outlives its endpoint: it goes over to the next one, or opens its own', async () => {
  const dataDir = await temporaryFolder();
  const first = startFixture('endpoint-process', [dataDir]);
  const firstUrl = await first.nextLine();
  const serving = await connectServing({ settings, dataDir, logger });
  await serving.ensure([table]);
  await serving.insert('realtime.t', [{ n: 1 }], 'a');
  await first.kill('SIGKILL');
  await serving.insert('realtime.t', [{ n: 2 }], 'b');
  expect(serving.url).not.toBe(firstUrl);
  await serving.insert('realtime.t', [{ n: 1 }], 'a');
  expect(await serving.query('SELECT sum(n) AS n FROM realtime.t')).toEqual([{ n: 3 }]);
  await serving.close();
});

test('the files that hold addresses and secrets are for their owner alone', async () => {
  const dataDir = await temporaryFolder();
  const endpoint = await startEndpoint({ dataDir, host: '127.0.0.1', port: 0, logger });
  for (const file of ['endpoint.json', 'writer.secret', 'users.xml']) {
    expect((await stat(join(dataDir, 'clickhouse', file))).mode & 0o077).toBe(0);
  }
  await endpoint.close();
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTable, required, s3Store, struct } from '@eventlake/delta';
import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  certify,
  type S3Server,
  s3Credentials,
  startS3Server,
} from '../../packages/delta/test/support/s3-servers.js';
import { startEndpoint } from '../../packages/eventlake/src/serving/endpoint/start.js';
import { run } from '../cli/eventlake.js';

let folder: string;
let server: S3Server;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eventlake-tls-'));
  server = await startS3Server('versitygw', await certify(folder));
  process.env.AWS_ACCESS_KEY_ID = s3Credentials.accessKeyId;
  process.env.AWS_SECRET_ACCESS_KEY = s3Credentials.secretAccessKey;
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

test('the store is trusted for its authority, and not without it', async () => {
  const { ca: _, ...untrusting } = server.options;
  const store = await s3Store(`${server.url}/none`, { ...untrusting, retryTimeoutMs: 1 });
  await expect(store.get('a')).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringMatching(/certificate/),
  });
  const env = {
    ...server.env,
    EVENTLAKE_LAKEHOUSE: `${server.url}/commands`,
    EVENTLAKE_CLICKHOUSE_PORT: '0',
  };
  const { stdout } = await run(['doctor', '--data-dir', join(folder, 'doctor')], { env });
  expect(stdout).toContain('by one writer at a time');
});

test('ClickHouse shows tables on a store with a certificate of an authority of its own', async () => {
  const table = await createTable(await s3Store(`${server.url}/lake`, server.options), 'silver/events', {
    schema: struct({ id: required('long') }),
  });
  await table.append([{ id: 1n }, { id: 2n }]);
  const endpoint = await startEndpoint({
    dataDir: join(folder, 'data'),
    host: '127.0.0.1',
    port: 0,
    logger: pino({ level: 'silent' }),
    lake: {
      root: `${server.url}/lake`,
      s3: { endpoint: server.endpoint, caFile: server.env.EVENTLAKE_S3_CA_FILE },
      tables: [{ name: 'silver.events' }],
    },
  });
  try {
    const answer = await fetch(endpoint.url, { method: 'POST', body: 'SELECT sum(id) FROM silver.events' });
    expect(await answer.text()).toBe('3\n');
  } finally {
    await endpoint.close();
  }
});

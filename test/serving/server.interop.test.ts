import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { connectServing } from '../../packages/eventlake/src/serving/connect.js';
import { readWriterSecret } from '../../packages/eventlake/src/serving/endpoint/endpoint-file.js';
import { startEndpoint } from '../../packages/eventlake/src/serving/endpoint/start.js';
import type { Serving } from '../../packages/eventlake/src/serving/serving.js';
import { servingContract } from '../contracts/serving.js';

const logger = pino({ level: 'silent' });

/** What the settings of a server make, whoever answers there. */
async function connectTo(url: string, user?: string, password?: string): Promise<Serving> {
  const settings = { clickhouse: { url, user, password, host: '', port: 0 }, lakehouse: '/nowhere' };
  return connectServing({ settings, dataDir: tmpdir(), logger });
}

servingContract('an endpoint that is named like a server', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'eventlake-serving-'));
  const endpoint = await startEndpoint({ dataDir, host: '127.0.0.1', port: 0, logger });
  const serving = await connectTo(endpoint.url, 'writer', await readWriterSecret(dataDir));
  return {
    serving,
    cleanUp: async () => {
      await serving.close();
      await endpoint.close();
      await rm(dataDir, { recursive: true });
    },
  };
});

const url = process.env.EVENTLAKE_TEST_CLICKHOUSE_URL;
if (url !== undefined) {
  servingContract('a server', async () => {
    const { EVENTLAKE_TEST_CLICKHOUSE_USER: user, EVENTLAKE_TEST_CLICKHOUSE_PASSWORD: password } =
      process.env;
    const serving = await connectTo(url, user, password);
    return { serving, cleanUp: () => serving.close() };
  });
}

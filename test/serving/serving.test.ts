import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { connectServing } from '../../packages/eventlake/src/serving/connect.js';
import { servingContract } from '../contracts/serving.js';

const logger = pino({ level: 'silent' });

servingContract('embedded, over HTTP', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'eventlake-serving-'));
  const settings = { clickhouse: { host: '127.0.0.1', port: 0 }, lakehouse: '/nowhere' };
  const serving = await connectServing({ settings, dataDir, logger });
  return {
    serving,
    cleanUp: async () => {
      await serving.close();
      await rm(dataDir, { recursive: true });
    },
  };
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localStore } from '@eventlake/delta';
import { openSparkEngine } from '../../packages/eventlake/src/engine/spark/engine.js';
import { contractEvent, engineContract } from '../contracts/engine.js';
import { produceTo, startKafka } from './spark/kafka.js';
import { startSpark } from './spark/server.js';

engineContract('Spark', async () => {
  const [server, kafka] = await Promise.all([startSpark(), startKafka()]);
  const { topic } = contractEvent;
  await kafka.log.createTopic(topic, { partitions: 2 });
  // What is odd in a path must reach Spark as it is.
  const folder = await mkdtemp(join(tmpdir(), 'eventlake a b%20-'));
  const engine = await openSparkEngine({
    store: localStore(folder),
    kafka: kafka.options,
    url: server.url,
    connectTimeoutMs: 60_000,
    statementTimeoutMs: 300_000,
  });
  return {
    engine,
    produce: (values, partition = 0) => produceTo(kafka.log, topic, values, partition),
    close: async () => {
      await engine.close();
      await Promise.all([server.close(), kafka.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
});

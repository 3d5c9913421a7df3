import { afterAll, beforeAll, describe } from 'vitest';
import { openKafkaLog } from '../../../packages/eventlake/src/log/kafka-log.js';
import { appendingAndReading } from '../../contracts/event-log/appending.js';
import { positionsAndSources } from '../../contracts/event-log/positions.js';
import { topics } from '../../contracts/event-log/topics.js';
import { type Broker, startBroker } from './broker.js';
import { kafkaSettings } from './client.js';

/** The oldest Java broker that runs without ZooKeeper in earnest, and the last of the 3 series. */
describe.each(['3.3.2', '3.9.2'])('Kafka %s', (version) => {
  let broker: Broker;
  const options = {} as ReturnType<typeof kafkaSettings>;
  beforeAll(async () => {
    broker = await startBroker({ version });
    Object.assign(options, kafkaSettings({ brokers: [broker.address] }));
  });
  afterAll(() => broker?.remove());

  const harness = {
    open: () => openKafkaLog(options),
    child: { module: '', open: '', options },
    ...{ ownClock: false, ownRetention: false, wholeAppends: false },
  };
  topics(harness);
  appendingAndReading(harness);
  positionsAndSources(harness);
});

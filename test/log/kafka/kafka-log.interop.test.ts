import { afterAll, beforeAll, describe } from 'vitest';
import { openKafkaLog } from '../../../packages/eventlake/src/log/kafka-log.js';
import { eventLogContract } from '../../contracts/event-log.js';
import { type Broker, startBroker } from './broker.js';
import { administrator, kafkaSettings } from './client.js';

let broker: Broker;
let admin: ReturnType<typeof administrator>;
// The harness is read when tests run: by then the broker is there.
const options = {} as ReturnType<typeof kafkaSettings>;

beforeAll(async () => {
  broker = await startBroker();
  admin = administrator(broker.address);
  Object.assign(options, kafkaSettings({ brokers: [broker.address] }));
});
afterAll(async () => {
  admin?.close();
  await broker?.remove();
});

describe('event log on Kafka', () => {
  eventLogContract({
    open: () => openKafkaLog(options),
    child: {
      module: new URL('../../../packages/eventlake/dist/log/kafka-log.js', import.meta.url).href,
      open: 'openKafkaLog',
      options,
    },
    ownClock: false,
    ownRetention: false,
    removeBefore: (topic, partition, offset) => admin.removeBefore(topic, partition, offset),
    wholeAppends: false,
  });
});

import { expect, onTestFinished, test } from 'vitest';
import { kafkaTool, startBroker } from './broker.js';

const CONSOLE_PRODUCER = 'org.apache.kafka.tools.ConsoleProducer';
const CONSOLE_CONSUMER = 'org.apache.kafka.tools.consumer.ConsoleConsumer';
const TOPICS = 'org.apache.kafka.tools.TopicCommand';

test('a broker made of Maven artifacts keeps its records and its address through kill -9', async () => {
  const broker = await startBroker();
  onTestFinished(() => broker.remove());
  const at = ['--bootstrap-server', broker.address];
  await kafkaTool(TOPICS, [...at, '--create', '--topic', 't', '--partitions', '1']);
  await kafkaTool(CONSOLE_PRODUCER, [...at, '--topic', 't'], 'one\ntwo\n');
  await broker.kill();
  await broker.restart();
  const read = await kafkaTool(CONSOLE_CONSUMER, [
    ...at,
    ...['--topic', 't', '--from-beginning', '--max-messages', '2'],
  ]);
  expect(read).toBe('one\ntwo\n');
});

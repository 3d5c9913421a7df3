import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openKafkaLog } from '../../../packages/eventlake/src/log/kafka-log.js';
import { finished } from '../../cli/eventlake.js';
import { type Broker, startBroker } from './broker.js';
import { administrator, kafkaSettings } from './client.js';
import { librdkafka, setUpClients } from './clients.js';
import { type KafkaLake, kafkaLake, topic } from './lake.js';

setUpClients();

let broker: Broker;
let lake: KafkaLake;

beforeAll(async () => {
  broker = await startBroker();
  lake = await kafkaLake(broker.address, 'eventlake');
});
afterAll(async () => {
  await lake?.remove();
  await broker?.remove();
});

const produce = (seed: number, count: number) =>
  lake.run(['run', 'producer', '--seed', String(seed), '--count', String(count), '--rate', '0']);

/** It stops, and says so; told to go on it goes on, and the ledger balances. */
async function expectLossIsTold(message: RegExp, reason: string): Promise<void> {
  const { code, stderr } = await finished(lake.start(['run', 'raw-landing', '--once']));
  expect({ code, stderr }).toEqual({ code: 6, stderr: expect.stringMatching(message) });
  await lake.settleAndVerify({ EVENTLAKE_ON_DATA_LOSS: 'continue' });
  expect(await gaps()).toContain(reason);
}

async function gaps(): Promise<string[]> {
  const text = await lake.run(['query', '--json', 'SELECT reason FROM bronze.user_events_gaps']);
  return [...text.matchAll(/"reason":\s*"([\w-]+)"/g)].map(([, reason]) => reason!);
}

test('what is missing in the log is told, and recorded where it is to go on without it', async () => {
  // Nothing is lost where transactions leave offsets without records.
  await produce(1, 2_000);
  await librdkafka('transactions', broker.address, {
    topic,
    steps: [
      { id: 'shop', prefix: 'aborted', count: 500, end: 'abort' },
      { id: 'shop', prefix: 'no event', count: 10, end: 'commit' },
      { id: 'shop', prefix: 'aborted', count: 50, end: 'abort' },
    ],
  });
  await lake.settleAndVerify();
  expect(new Set(await gaps())).toEqual(new Set(['no-record']));

  // Retention removes what was not read.
  const admin = administrator(broker.address);
  const log = await openKafkaLog(kafkaSettings({ brokers: [broker.address] }));
  const before = await log.topic(topic);
  await produce(2, 2_000);
  let removed = 0;
  for (const { partition, endOffset } of (await log.topic(topic)).partitions) {
    const position = before.partitions[partition]!.endOffset;
    const start = Math.min(endOffset, position + 20);
    await admin.removeBefore(topic, partition, start);
    removed += start - position;
  }
  admin.close();
  await expectLossIsTold(new RegExp(`${removed} records are gone`), 'lost');

  // A partition loses its end: its files are gone from the broker's disk, and the topic is the same.
  const largest = (await log.topic(topic)).partitions.sort((a, b) => b.endOffset - a.endOffset)[0]!;
  await log.close();
  await broker.stop();
  const folder = join(broker.dir, 'records', `${topic}-${largest.partition}`);
  for (const file of readdirSync(folder)) {
    if (file !== 'partition.metadata') rmSync(join(folder, file));
  }
  await broker.restart();
  await produce(3, 200);
  await expectLossIsTold(/The log ends before what raw-landing has passed/, 'truncated');

  // Somebody makes the topic anew.
  const again = await openKafkaLog(kafkaSettings({ brokers: [broker.address] }));
  await again.deleteTopic(topic);
  await again.close();
  await produce(4, 1_000);
  await expectLossIsTold(/was made anew/, 'recreated');
});

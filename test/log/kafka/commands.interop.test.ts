import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { finished, run } from '../../cli/eventlake.js';
import { type Broker, startBroker } from './broker.js';
import { type KafkaLake, kafkaLake } from './lake.js';

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

const event = (i: number) => JSON.stringify({ event_id: `0000-${i}`, event_type: i % 2 ? 'click' : 'login' });

test('a file is ingested once, however often; doctor, status and verify know the broker', async () => {
  expect(await lake.run(['doctor', '--json'])).toContain('whoever produces first makes it');
  const file = join(lake.root, 'events.ndjson');
  writeFileSync(file, Array.from({ length: 5_000 }, (_, i) => `${event(i)}\n`).join(''));
  expect(JSON.parse(await lake.run(['ingest', file, '--json']))).toMatchObject({ records: 5_000 });
  expect(JSON.parse(await lake.run(['ingest', file, '--json']))).toMatchObject({ records: 0 });
  expect(await lake.run(['doctor', '--json'])).toContain('4 partitions, LogAppendTime');

  const lag = async () => {
    const { stages } = JSON.parse(await lake.run(['status', '--json'])) as {
      stages: { stage: string; lag: number; partitionLag?: number[] }[];
    };
    const { lag: all, partitionLag = [] } = stages.find(({ stage }) => stage === 'raw-landing')!;
    return { all, byPartition: partitionLag.reduce((sum, each) => sum + each, 0) };
  };
  // Two transactions' markers are offsets, too.
  expect((await lag()).all).toBeGreaterThanOrEqual(5_000);
  expect((await lag()).byPartition).toBe((await lag()).all);
  await lake.settleAndVerify();
  expect(await lag()).toEqual({ all: 0, byPartition: 0 });
});

test('doctor says what is wrong where no broker answers', async () => {
  const dead = { EVENTLAKE_LOG_KAFKA_BROKERS: '127.0.0.1:9' };
  const { code, stdout } = await finished(lake.start(['doctor', '--json'], 'main', dead));
  expect(code).not.toBe(0);
  expect(stdout).toContain('The Kafka broker 127.0.0.1:9 cannot be reached');
  const config = await run(['config', '--set', 'log.kafka.sasl.password=hush'], { cwd: lake.root });
  expect(config.stdout + config.stderr).not.toContain('hush');
});

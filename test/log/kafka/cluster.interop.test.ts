import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EventLog } from '../../../packages/eventlake/src/log/event-log.js';
import { openKafkaLog } from '../../../packages/eventlake/src/log/kafka-log.js';
import { recordBatch } from '../../../packages/eventlake/src/log/record-batch.js';
import { finished } from '../../cli/eventlake.js';
import { type BrokerCluster, startCluster } from './broker.js';
import { administrator, kafkaSettings } from './client.js';
import { expectAllIsWell, kafkaLake, topic } from './lake.js';

let cluster: BrokerCluster;
let admin: ReturnType<typeof administrator>;
let log: EventLog;

beforeAll(async () => {
  cluster = await startCluster();
  admin = administrator(cluster.address);
  log = await openKafkaLog(kafkaSettings({ brokers: cluster.address.split(',') }));
});
afterAll(async () => {
  await log?.close();
  admin?.close();
  await cluster?.remove();
});

const leaderOf = async (name: string, partition: number) =>
  cluster.brokers.get((await admin.leaders(name))[partition]!)!;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('the leader of each partition is killed in turn while everybody produces and consumes', async () => {
  const lake = await kafkaLake(cluster.address, 'disturbed');
  try {
    await log.createTopic(topic, { partitions: 4 });
    const count = 30_000;
    const dials = ['--duplicates', '0.05', '--malformed', '0.01', '--late', '0.02', '--out-of-order', '0.1'];
    const flags = ['--seed', '7', '--count', String(count), '--rate', '1500'];
    const producer = finished(lake.start(['run', 'producer', ...flags, ...dials]));
    const jobs = ['raw-landing', 'fast-agg'].map((job) => lake.start(['run', job]));
    const ends = jobs.map((job) => finished(job));
    for (let partition = 0; partition < 4; partition++) {
      await sleep(1_000);
      const leader = await leaderOf(topic, partition);
      await leader.kill();
      await sleep(1_000);
      await leader.restart();
      // Of three brokers two must have each record: another one may go only when this one has caught up.
      await admin.untilAllInSync(topic);
    }
    expect(await producer).toMatchObject({ code: 0 });
    for (const job of jobs) job.kill('SIGTERM');
    for (const end of ends) expect(await end).toMatchObject({ code: 0 });
    await expectAllIsWell(lake, cluster.address, count);
  } finally {
    await lake.remove();
  }
});

test('a read goes on at the new leader where the old one is killed', async () => {
  const name = 'long-read';
  await log.createTopic(name, { partitions: 1 });
  const records = 40;
  // More than fits the answers that are on their way.
  for (let i = 0; i < records; i++) await log.append(name, recordBatch([{ value: noise(i) }]));
  const read: number[] = [];
  for await (const { count, offsets } of log.read(name, { partition: 0, from: 0, to: records })) {
    if (read.length === 0) await (await leaderOf(name, 0)).kill();
    for (let i = 0; i < count; i++) read.push(offsets[i]!);
  }
  expect(read).toEqual(Array.from({ length: records }, (_, i) => i));
  for (const broker of cluster.brokers.values()) await broker.restart();
  await admin.untilAllInSync(name);
});

test('nothing is acknowledged while one broker alone has it', async () => {
  const name = 'alone';
  await log.createTopic(name, { partitions: 1 });
  await log.append(name, recordBatch([{ value: 'before' }]));
  const leader = await leaderOf(name, 0);
  const others = [...cluster.brokers.values()].filter((broker) => broker !== leader);
  await Promise.all(others.map((broker) => broker.kill()));
  let isAcknowledged = false;
  const appended = log.append(name, recordBatch([{ value: 'meanwhile' }])).then(() => {
    isAcknowledged = true;
  });
  await sleep(4_000);
  expect(isAcknowledged).toBe(false);
  await others[0]!.restart();
  await appended;
  await others[1]!.restart();
  const values: string[] = [];
  for await (const { values: bytes } of log.read(name, { partition: 0, from: 0, to: 2 }))
    values.push(Buffer.from(bytes).toString());
  expect(values.join()).toBe('beforemeanwhile');
});

/** Half a megabyte that no compression makes smaller. */
function noise(seed: number): string {
  let state = seed + 1;
  return Array.from({ length: 500_000 }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return String.fromCharCode(33 + ((state >>> 16) % 90));
  }).join('');
}

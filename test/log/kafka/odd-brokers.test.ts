import { expect, onTestFinished, test } from 'vitest';
import { openKafkaLog } from '../../../packages/eventlake/src/log/kafka-log.js';
import { kafkaSettings } from './client.js';
import { startScriptedCluster } from './scripted-broker.js';

async function openCluster(brokers: number) {
  const cluster = await startScriptedCluster(brokers);
  const log = await openKafkaLog(kafkaSettings({ brokers: cluster.addresses }));
  onTestFinished(async () => {
    await log.close();
    cluster.close();
  });
  return { cluster, log };
}

test('a wait that one broker ends leaves no connection behind that another was just taking', async () => {
  const { cluster, log } = await openCluster(2);
  const take: (() => void)[] = [];
  const takeAll = () => {
    for (const one of take.splice(0)) one();
  };
  cluster.taken = (broker, before) =>
    broker === 1 && before > 0 ? new Promise<void>((resolve) => take.push(resolve)) : undefined;
  cluster.fetched = (broker) => {
    if (broker === 1) return undefined;
    cluster.ends[0]!++;
    return Buffer.alloc(0);
  };
  for (let wait = 0; wait < 8; wait++) {
    await log.waitForRecords('topic', [...cluster.ends], { timeoutMs: 30_000 });
    takeAll();
  }
  // The one for short requests, and the few that wait for the next long one.
  await expect
    .poll(() => {
      takeAll();
      return cluster.open[1]!.size;
    })
    .toBeLessThanOrEqual(5);
});

test('a broker that has nothing is asked once, however often another has something', async () => {
  const { cluster, log } = await openCluster(2);
  let connections = 0;
  let asked = 0;
  cluster.taken = (broker) => {
    if (broker === 1) connections++;
    return undefined;
  };
  cluster.fetched = (broker) => {
    if (broker === 1) {
      asked++;
      return undefined;
    }
    cluster.ends[0]!++;
    return Buffer.alloc(0);
  };
  for (let wait = 0; wait < 20; wait++)
    await log.waitForRecords('topic', [...cluster.ends], { timeoutMs: 30_000 });
  // The one for short requests, and the one that waits.
  expect({ connections, asked }).toEqual({ connections: 2, asked: 1 });
});

test('records of a format before 0.11 are told, and not asked for again and again', async () => {
  const { cluster, log } = await openCluster(1);
  cluster.ends[0] = 1;
  // Offset, length, checksum, format 1, attributes, time, no key, and a value of one byte.
  const message = Buffer.from(
    '0000000000000000 00000017 00000000 01 00 0000000000000000 ffffffff 00000001 78'.replaceAll(' ', ''),
    'hex',
  );
  let asked = 0;
  cluster.fetched = () => {
    asked++;
    return message;
  };
  const read = async () => {
    for await (const block of log.read('topic', { partition: 0, from: 0, to: 1 })) return block;
    return undefined;
  };
  await expect(read()).rejects.toMatchObject({
    kind: 'corrupt',
    message: expect.stringContaining('0.11'),
    where: { topic: 'topic', partition: 0, offset: 0 },
  });
  expect(asked).toBe(1);
});

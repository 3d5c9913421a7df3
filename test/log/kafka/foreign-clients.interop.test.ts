import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventLog } from '../../../packages/eventlake/src/log/event-log.js';
import { openKafkaLog } from '../../../packages/eventlake/src/log/kafka-log.js';
import { recordBatch } from '../../../packages/eventlake/src/log/record-batch.js';
import { numbered, readAll, values } from '../../contracts/event-log/harness.js';
import { type Broker, kafkaTool, startBroker } from './broker.js';
import { administrator, kafkaSettings } from './client.js';
import { hasKcat, kcat, librdkafka, setUpClients } from './clients.js';

setUpClients();

let broker: Broker;
let log: EventLog;
let address: string;

beforeAll(async () => {
  // Logs are compacted as soon as there is anything to compact.
  broker = await startBroker({ properties: { 'log.cleaner.backoff.ms': '100' } });
  address = broker.address;
  log = await openKafkaLog(kafkaSettings({ brokers: [address] }));
});
afterAll(async () => {
  await log?.close();
  await broker?.remove();
});

/** What librdkafka says that the topic holds, the judge of what we read. */
async function judged(topic: string): Promise<[number, number, number, string | null, string | null][]> {
  const records = (await librdkafka('consume', address, { topic })) as [
    number,
    number,
    number,
    string | null,
    string | null,
  ][];
  return records
    .map(([partition, offset, ms, key, value]): (typeof records)[number] => [
      ...([partition, offset, ms, key] as const),
      value === null ? null : Buffer.from(value, 'base64').toString(),
    ])
    .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
}

async function read(topic: string, blockBytesMax = 4 * 1024 * 1024) {
  const records = await readAll(log, topic, { keysAndHeaders: true, blockBytesMax });
  return records.map(({ partition, offset, timestampMs, key, value }) => [
    ...[partition, offset, timestampMs, key, value],
  ]);
}

function newTopic(): string {
  return `topic-${randomUUID()}`;
}

describe('what others produce is read as they produced it', () => {
  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('librdkafka with %s', async (compression) => {
    const topic = newTopic();
    await librdkafka('create', address, { topic, partitions: 3 });
    const config = { 'compression.type': compression };
    await librdkafka('many', address, { topic, prefix: 'event', count: 20_000, size: 150, config });
    const records = await read(topic);
    expect(records).toHaveLength(20_000);
    expect(records).toEqual(await judged(topic));
  });

  test.each(['snappy', 'lz4', 'zstd'])("Java's producer with %s", async (compression) => {
    const topic = newTopic();
    await librdkafka('create', address, { topic });
    const lines = numbered('a line of the console', 30_000);
    await kafkaTool(
      'org.apache.kafka.tools.ConsoleProducer',
      ['--bootstrap-server', address, '--topic', topic, '--compression-codec', compression],
      `${lines.join('\n')}\n`,
    );
    expect(values(await readAll(log, topic))).toEqual(lines);
  });

  test.skipIf(!hasKcat())('kcat: keys, no values, several partitions', async () => {
    const topic = newTopic();
    await librdkafka('create', address, { topic, partitions: 3 });
    const lines = numbered('value', 10_000).map((value, i) => `key${i % 7}\t${i % 10 === 0 ? '' : value}`);
    kcat(['-P', '-b', address, '-t', topic, '-K', '\t', '-Z', '-z', 'lz4'], lines.join('\n'));
    const records = await read(topic);
    expect(records).toHaveLength(10_000);
    expect(records.filter((record) => record[4] === null)).toHaveLength(1_000);
    expect(records).toEqual(await judged(topic));
  });

  test('tombstones, no keys, headers, times of their own', async () => {
    const topic = newTopic();
    await librdkafka('create', address, { topic });
    const records = [
      { value: 'a', key: 'k', timestamp: 1_700_000_000_000, headers: { origin: 'shop', trace: 'ü' } },
      { value: null, key: 'k', timestamp: 1_600_000_000_000 },
      { value: '', timestamp: 1_700_000_000_001 },
      { value: 'b', timestamp: 1_500_000_000_000, headers: { only: '' } },
    ];
    await librdkafka('produce', address, { topic, records });
    const found = await readAll(log, topic, { keysAndHeaders: true });
    expect(found.map(({ offset: _, partition: __, ...rest }) => rest)).toEqual([
      { timestampMs: 1_700_000_000_000, value: 'a', key: 'k', headers: { origin: 'shop', trace: 'ü' } },
      { timestampMs: 1_600_000_000_000, value: null, key: 'k' },
      { timestampMs: 1_700_000_000_001, value: '', key: null },
      { timestampMs: 1_500_000_000_000, value: 'b', key: null, headers: { only: '' } },
    ]);
  });

  test('a topic that was compacted has gaps, and all that is left is read, in ranges of any kind', async () => {
    const topic = newTopic();
    const config = {
      ...{ 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.01' },
      ...{ 'segment.ms': '200', 'min.compaction.lag.ms': '0', 'segment.bytes': '1048576' },
    };
    await librdkafka('create', address, { topic, config });
    for (let round = 0; round < 4; round++) {
      const records = numbered('value', 2_000).map((value, i) => ({
        key: `k${i % 50}`,
        value: `${round}/${value}`,
      }));
      await librdkafka('produce', address, { topic, records });
    }
    let records = await read(topic);
    for (const endMs = Date.now() + 60_000; records.length > 4_000 && Date.now() < endMs; ) {
      // A segment is closed, and can be compacted, when a record comes after its time.
      await log.append(topic, recordBatch([{ key: 'last', value: 'x' }]));
      await new Promise((resolve) => setTimeout(resolve, 300));
      records = await read(topic);
    }
    expect(records.length).toBeLessThanOrEqual(4_000);
    // The broker may go on compacting: what was read counts where the topic was the same before and after.
    let before: typeof records;
    let judgement: Awaited<ReturnType<typeof judged>>;
    let inRanges: number[];
    do {
      before = records;
      judgement = await judged(topic);
      inRanges = await offsetsByRanges(topic, 997);
      records = await read(topic);
    } while (records.length !== before.length);
    expect(records).toEqual(judgement);
    expect(inRanges).toEqual(records.map((record) => record[1]));
  });
});

/** The offsets of partition 0, read range by range: none comes twice, and each from the range that it lies in. */
async function offsetsByRanges(topic: string, size: number): Promise<number[]> {
  const { endOffset } = (await log.topic(topic)).partitions[0]!;
  const all: number[] = [];
  for (let from = 0; from < endOffset; from += size) {
    const to = Math.min(endOffset, from + size);
    for await (const { offsets } of log.read(topic, { partition: 0, from, to })) {
      expect(offsets.every((offset) => offset >= from && offset < to)).toBe(true);
      all.push(...offsets);
    }
  }
  return all;
}

describe('transactions', () => {
  test('what is aborted never appears: larger than a fetch, several in one, between others that are committed', async () => {
    const topic = newTopic();
    await librdkafka('create', address, { topic });
    await librdkafka('transactions', address, {
      topic,
      steps: [
        { id: 'a', prefix: 'a-yes', count: 3_000, size: 200, end: 'commit' },
        // 12 MB, where a fetch has 4.
        { id: 'b', prefix: 'b-no', count: 60_000, size: 200, end: 'abort' },
        { id: 'a', prefix: 'a-yes-again', count: 3_000, size: 200, end: 'commit' },
        ...Array.from({ length: 20 }, (_, i) => [
          { id: 'c', prefix: `c-no${i}`, count: 5, end: 'abort', batch: 1 },
          { id: 'd', prefix: `d-yes${i}`, count: 5, end: 'commit', batch: 1 },
          { id: 'a', prefix: `a-no${i}`, count: 3, end: 'abort' },
        ]).flat(),
        // Two that overlap: one begins before the other and ends after it.
        { id: 'e', prefix: 'e-no', count: 30_000, size: 200, end: 'open' },
        { id: 'f', prefix: 'f-yes', count: 30_000, size: 200, end: 'commit' },
        { id: 'e', prefix: 'e-no-more', count: 100, end: 'abort', goesOn: true },
        { id: 'b', prefix: 'b-yes', count: 10, end: 'commit' },
      ],
    });
    const records = await read(topic);
    expect(records.some((record) => String(record[4]).includes('-no'))).toBe(false);
    expect(records).toHaveLength(3_000 + 3_000 + 20 * 5 + 30_000 + 10);
    expect(records).toEqual(await judged(topic));
    expect(await read(topic, 10_000)).toEqual(records);

    // In ranges as jobs plan them, each of which begins somewhere within a transaction.
    const { endOffset } = (await log.topic(topic)).partitions[0]!;
    const found: number[] = [];
    for (let from = 0; from < endOffset; from += 7_001) {
      const to = Math.min(endOffset, from + 7_001);
      for await (const block of log.read(topic, { partition: 0, from, to })) found.push(...block.offsets);
    }
    expect(found).toEqual(records.map((record) => record[1]));
  });

  test('an open transaction is not the end of what can be read before it, and nothing beyond it is seen', async () => {
    const topic = newTopic();
    await librdkafka('create', address, { topic });
    await log.append(topic, recordBatch([{ value: 'before' }]));
    // The producer goes away and leaves it open.
    await librdkafka('transactions', address, {
      topic,
      steps: [{ id: 'gone', prefix: 'never', count: 3, end: 'open' }],
    });
    await log.append(topic, recordBatch([{ value: 'after' }]));
    expect((await log.topic(topic)).partitions[0]!.endOffset).toBe(1);
    expect(values(await readAll(log, topic))).toEqual(['before']);
    // Its successor ends it.
    await librdkafka('transactions', address, {
      topic,
      steps: [{ id: 'gone', prefix: 'successor', count: 1, end: 'commit' }],
    });
    await log.waitForRecords(topic, [1], { timeoutMs: 30_000 });
    expect(values(await readAll(log, topic))).toEqual(['before', 'after', 'successor-0']);
  });

  test('a range that ends in markers and aborted records ends', async () => {
    const topic = newTopic();
    await librdkafka('create', address, { topic });
    await librdkafka('transactions', address, {
      topic,
      steps: [
        { id: 'x', prefix: 'yes', count: 3, end: 'commit' },
        { id: 'x', prefix: 'no', count: 5, end: 'abort' },
      ],
    });
    const { endOffset } = (await log.topic(topic)).partitions[0]!;
    expect(endOffset).toBe(3 + 1 + 5 + 1);
    expect(values(await readAll(log, topic))).toEqual(numbered('yes', 3));
    for (let from = 3; from < endOffset; from++) {
      for await (const _ of log.read(topic, { partition: 0, from, to: endOffset })) expect.unreachable();
    }
  });
});

describe('what we produce is read by others as it was produced', () => {
  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)('%s', async (compression) => {
    if (compression === 'zstd' && !('zstdCompressSync' in (await import('node:zlib')))) {
      await expect(openKafkaLog(kafkaSettings({ brokers: [address], compression }))).rejects.toMatchObject({
        kind: 'invalid',
        where: { setting: 'log.kafka.compression' },
      });
      return;
    }
    const producer = await openKafkaLog(kafkaSettings({ brokers: [address], compression }));
    const topic = newTopic();
    await producer.createTopic(topic, { partitions: 4 });
    const lines = Array.from({ length: 20_000 }, (_, i) =>
      i % 100 === 0 ? randomUUID().repeat(i / 10) : `{"event":${i},"page":"/products/${i % 40}"}`,
    );
    const batch = recordBatch(lines.map((value, i) => ({ key: i % 3 === 0 ? null : `k${i % 11}`, value })));
    await producer.append(topic, batch);
    await producer.append(topic, recordBatch([{ key: 'k', value: null, headers: { a: 'b' } }]));
    await producer.close();
    const records = await read(topic);
    expect(records.map((record) => record[4]).sort()).toEqual([...lines, null].sort());
    expect(records).toEqual(await judged(topic));
    if (compression === 'none') return;
    const java = await kafkaTool('org.apache.kafka.tools.consumer.ConsoleConsumer', [
      ...['--bootstrap-server', address, '--topic', topic, '--from-beginning'],
      ...['--max-messages', String(records.length)],
    ]);
    expect(
      java
        .split('\n')
        .filter((line) => line !== 'null' && line !== '')
        .sort(),
    ).toEqual(lines.filter((line) => line !== '').sort());
  });

  test('a key lies in the same partition whoever produces', async () => {
    const topic = newTopic();
    await log.createTopic(topic, { partitions: 7 });
    const keys = ['login', 'click', 'purchase', 'logout', 'größe', '日本語', '', 'k'.repeat(100)];
    await log.append(topic, recordBatch(keys.map((key) => ({ key, value: 'ours' }))));
    await librdkafka('produce', address, {
      topic,
      records: keys.map((key) => ({ key, value: 'theirs' })),
      config: { partitioner: 'murmur2' },
    });
    await kafkaTool(
      'org.apache.kafka.tools.ConsoleProducer',
      [
        ...['--bootstrap-server', address, '--topic', topic],
        ...['--property', 'parse.key=true', '--property', 'key.separator=\t'],
      ],
      keys.map((key) => `${key}\tjava\n`).join(''),
    );
    const records = await readAll(log, topic, { keysAndHeaders: true });
    expect(records).toHaveLength(3 * keys.length);
    for (const key of keys) {
      expect(
        new Set(records.filter((record) => record.key === key).map(({ partition }) => partition)).size,
      ).toBe(1);
    }
  });
});

test('what retention has removed is told before and while it is read', async () => {
  const topic = newTopic();
  const admin = administrator(address);
  await log.createTopic(topic, { partitions: 1 });
  for (let i = 0; i < 30; i++) await log.append(topic, recordBatch([{ value: randomBytes(1_000_000) }]));
  const reading = log.read(topic, { partition: 0, from: 0, to: 30 }, { blockBytesMax: 1 });
  await reading[Symbol.asyncIterator]().next();
  await admin.removeBefore(topic, 0, 25);
  await expect(
    (async () => {
      for await (const _ of reading);
    })(),
  ).rejects.toMatchObject({ kind: 'data-loss', where: { topic, partition: 0 } });
  admin.close();
});

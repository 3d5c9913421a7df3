import { expect, test } from 'vitest';
import type { RecordBatch } from '../../../packages/eventlake/src/log/event-log.js';
import { partitionOf } from '../../../packages/eventlake/src/log/partitioner.js';
import { type NewRecord, recordBatch } from '../../../packages/eventlake/src/log/record-batch.js';
import {
  bytesOf,
  type EventLogHarness,
  logWithTopic,
  numbered,
  opened,
  readAll,
  recordsOf,
  values,
} from './harness.js';

export function appendingAndReading(harness: EventLogHarness): void {
  test('records come back in the order in which they went in', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 1 });
    for (const part of ['a', 'b', 'c']) {
      const result = await log.append(topic, recordBatch(numbered(part, 100).map((value) => ({ value }))));
      expect(result).toEqual({ status: 'appended', count: 100 });
    }
    const records = await readAll(log, topic);
    expect(values(records)).toEqual([...numbered('a', 100), ...numbered('b', 100), ...numbered('c', 100)]);
    expectIncreasing(records.map(({ offset }) => offset));
  });

  test('appends that are not waited for land in the order of the calls', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 1 });
    const expected = numbered('r', 200);
    await Promise.all(expected.map((value) => log.append(topic, recordBatch([{ value }]))));
    expect(values(await readAll(log, topic))).toEqual(expected);
  });

  test('records of one key share a partition and keep their order, where Kafka puts them', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 5 });
    const keys = ['login', 'click', 'purchase', 'logout', '', 'größe', '日本語'];
    for (let round = 0; round < 20; round++) {
      await log.append(topic, recordBatch(keys.map((key) => ({ key, value: `${key}/${round}` }))));
    }
    const records = await readAll(log, topic, { keysAndHeaders: true });
    expect(records).toHaveLength(20 * keys.length);
    for (const key of keys) {
      const of = records.filter((record) => record.key === key);
      expect(values(of)).toEqual(Array.from({ length: 20 }, (_, round) => `${key}/${round}`));
      expect(new Set(of.map(({ partition }) => partition))).toEqual(new Set([partitionOf(key, 5)]));
    }
  });

  test('a record without a key goes to any partition, none is lost, and over time none is left out', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 3 });
    const expected: string[] = [];
    for (let i = 0; i < 60; i++) {
      const batch = numbered(`batch${i}`, 10);
      expected.push(...batch);
      await log.append(topic, recordBatch(batch.map((value) => ({ value }))));
    }
    const records = await readAll(log, topic);
    expect(values(records).sort()).toEqual(expected.sort());
    expect(new Set(records.map(({ partition }) => partition)).size).toBe(3);
  });

  test('values are bytes: empty, zero bytes, line feeds, broken UTF-8', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 1 });
    const sent = [[], [0], [10, 13], [0xff, 0xfe, 0xc0], [], Array.from({ length: 256 }, (_, i) => i)].map(
      (bytes) => Uint8Array.from(bytes),
    );
    await log.append(topic, recordBatch(sent.map((value) => ({ value }))));
    const received: Uint8Array[] = [];
    for await (const block of log.read(topic, { partition: 0, from: 0, to: sent.length })) {
      for (let i = 0; i < block.count; i++) received.push(Uint8Array.from(bytesOf(block, i)));
      expect(block.nullValues?.size ?? 0).toBe(0);
    }
    expect(received).toEqual(sent);
  });

  test('no value is not the same as an empty one', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 1 });
    const sent = ['a', null, '', null, 'b'];
    await log.append(topic, recordBatch(sent.map((value) => ({ key: 'k', value }))));
    await log.append(topic, recordBatch([{ value: null }]));
    expect(values(await readAll(log, topic))).toEqual([...sent, null]);
  });

  test('keys and headers come back where they are asked for', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 1 });
    const sent: NewRecord[] = [
      { key: 'a', value: '1', headers: { origin: 'redrive', 'bronze-offset': '17' } },
      { key: null, value: '2' },
      { key: 'b', value: '3' },
      { key: 'a', value: '4', headers: {} },
    ];
    await log.append(topic, recordBatch(sent));
    const records = await readAll(log, topic, { keysAndHeaders: true });
    expect(records.map(({ key }) => key)).toEqual(['a', null, 'b', 'a']);
    expect(records[0]!.headers).toEqual(sent[0]!.headers);
    expect(records.slice(1).flatMap(({ headers }) => Object.keys(headers ?? {}))).toEqual([]);
    const plain = await readAll(log, topic);
    expect(plain[0]).not.toHaveProperty('key');
  });

  test('a batch may be part of a larger buffer', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 2 });
    const batch: RecordBatch = {
      count: 3,
      values: Buffer.from('..onetwothree..'),
      bounds: Uint32Array.from([2, 5, 8, 13]),
      keys: ['a', 'b', 'a'],
    };
    await log.append(topic, batch);
    expect(values(await readAll(log, topic)).sort()).toEqual(['one', 'three', 'two']);
  });

  test('an empty batch appends nothing', async () => {
    const { log, topic } = await logWithTopic(harness);
    expect(await log.append(topic, recordBatch([]))).toEqual({ status: 'appended', count: 0 });
    expect(await readAll(log, topic)).toEqual([]);
  });

  test('any part of the log can be read, in blocks of any size', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 1 });
    for (let i = 0; i < 10; i++) {
      await log.append(topic, recordBatch(numbered(`part${i}`, 50).map((value) => ({ value }))));
    }
    const all = await readAll(log, topic);
    for (const blockBytesMax of [1, 100, 2_000, 1_000_000]) {
      expect(await readAll(log, topic, { blockBytesMax })).toEqual(all);
      for (const [from, to] of [
        [0, 1],
        [17, 18],
        [49, 51],
        [99, 333],
        [499, 500],
        [250, 250],
      ] as const) {
        const blocks = [];
        for await (const block of log.read(
          topic,
          {
            partition: 0,
            from: all[from]?.offset ?? 500,
            to: to === 500 ? all.at(-1)!.offset + 1 : all[to]!.offset,
          },
          { blockBytesMax },
        )) {
          expect(block.partition).toBe(0);
          expect(block.count).toBeGreaterThan(0);
          expect(block.bounds).toHaveLength(block.count + 1);
          expect(block.bounds[block.count]).toBe(block.values.length);
          blocks.push(block);
        }
        expect(blocks.flatMap(recordsOf)).toEqual(all.slice(from, to));
      }
    }
  });

  test('blocks are about as large as asked, but a record is never cut', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 1 });
    const value = 'x'.repeat(1_000);
    for (let i = 0; i < 20; i++) {
      await log.append(topic, recordBatch(Array.from({ length: 10 }, () => ({ value }))));
    }
    const { endOffset } = (await log.topic(topic)).partitions[0]!;
    const sizes: number[] = [];
    for await (const block of log.read(
      topic,
      { partition: 0, from: 0, to: endOffset },
      { blockBytesMax: 50_000 },
    )) {
      sizes.push(block.values.length);
    }
    expect(sizes.reduce((a, b) => a + b)).toBe(200_000);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(60_000);
    expect(sizes.length).toBeLessThanOrEqual(10);
  });

  test('blocks that were read stay what they are while more is read', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 1 });
    for (const part of ['a', 'b', 'c']) {
      await log.append(topic, recordBatch([{ value: part.repeat(60_000) }]));
    }
    const blocks = [];
    for await (const block of log.read(topic, { partition: 0, from: 0, to: 3 }, { blockBytesMax: 1 }))
      blocks.push(block);
    expect(blocks.map((block) => Buffer.from(block.values).toString())).toEqual(
      ['a', 'b', 'c'].map((part) => part.repeat(60_000)),
    );
  });

  test('what is acknowledged is there for everybody, and nothing can be read beyond it', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 1 });
    const other = await opened(harness);
    for (let i = 1; i <= 20; i++) {
      await log.append(topic, recordBatch([{ value: `v${i}` }]));
      const { endOffset } = (await other.topic(topic)).partitions[0]!;
      expect(values(await readAll(other, topic))).toHaveLength(i);
      const beyond = other.read(topic, { partition: 0, from: endOffset - 1, to: endOffset + 1 });
      await expect(beyond[Symbol.asyncIterator]().next()).rejects.toMatchObject({
        kind: 'invalid',
        where: { topic, partition: 0 },
      });
    }
  });

  test('what is acknowledged is there after everything was closed and opened again', async () => {
    const log = await harness.open();
    const { topic } = await log.createTopic(`again-${process.pid}-${Math.random()}`, { partitions: 2 });
    await log.append(topic, recordBatch(numbered('r', 100).map((value) => ({ key: value, value }))));
    const before = await readAll(log, topic);
    await log.close();
    expect(await readAll(await opened(harness), topic)).toEqual(before);
  });

  test('records can be read while others are appended, and what was asked for is what comes', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 1 });
    const reader = await opened(harness);
    const wanted = 2_000;
    const writing = (async () => {
      for (let i = 0; i < wanted; i += 20) {
        await log.append(topic, recordBatch(Array.from({ length: 20 }, (_, j) => ({ value: `${i + j}` }))));
      }
    })();
    const seen: string[] = [];
    let next = 0;
    while (seen.length < wanted) {
      await reader.waitForRecords(topic, [next], { timeoutMs: 10_000 });
      const { endOffset } = (await reader.topic(topic)).partitions[0]!;
      for await (const block of reader.read(
        topic,
        { partition: 0, from: next, to: endOffset },
        { blockBytesMax: 64 },
      )) {
        const records = recordsOf(block);
        expect(records.every(({ offset }) => offset >= next && offset < endOffset)).toBe(true);
        seen.push(...records.map(({ value }) => value!));
      }
      next = endOffset;
    }
    await writing;
    expect(seen).toEqual(Array.from({ length: wanted }, (_, i) => String(i)));
  });

  test('append times are near the clock and never decrease within a partition', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 2 });
    const beforeMs = Date.now();
    for (let i = 0; i < 20; i++) {
      await log.append(
        topic,
        recordBatch([
          { key: 'a', value: '1' },
          { key: 'b', value: '2' },
        ]),
      );
    }
    const records = await readAll(log, topic);
    for (const partition of [0, 1]) {
      const times = records
        .filter((record) => record.partition === partition)
        .map(({ timestampMs }) => timestampMs);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      for (const time of times) expect(Math.abs(time - beforeMs)).toBeLessThan(60_000);
    }
  });

  test.runIf(harness.ownClock)('append times never decrease when the clock steps back', async () => {
    let nowMs = 2_000_000_000_000;
    const { log, topic } = await logWithTopic(harness, { partitions: 1, now: () => nowMs });
    const append = () => log.append(topic, recordBatch([{ value: 'x' }]));
    await append();
    nowMs -= 3_600_000;
    await append();
    nowMs += 3_600_500;
    await append();
    const times = (await readAll(log, topic)).map(({ timestampMs }) => timestampMs - 2_000_000_000_000);
    expect(times).toEqual([0, 0, 500]);
  });

  test('a read stops where its signal is aborted', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 1 });
    for (let i = 0; i < 10; i++) await log.append(topic, recordBatch([{ value: 'x'.repeat(1_000) }]));
    const controller = new AbortController();
    const read = async () => {
      for await (const _ of log.read(
        topic,
        { partition: 0, from: 0, to: 10 },
        { blockBytesMax: 1, signal: controller.signal },
      )) {
        controller.abort(new Error('enough'));
      }
    };
    await expect(read()).rejects.toThrow('enough');
  });
}

function expectIncreasing(offsets: readonly number[]): void {
  // Offsets may have gaps: what counts is that they go up.
  expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
}

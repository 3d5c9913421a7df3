import { expect, test } from 'vitest';
import { RECORD_BYTES_MAX } from '../../../packages/eventlake/src/limits.js';
import { recordBatch } from '../../../packages/eventlake/src/log/record-batch.js';
import { bytesOf, type EventLogHarness, logWithTopic, readAll, values } from './harness.js';

export function limits(harness: EventLogHarness): void {
  test('a record of 10 MB goes in and comes out between small ones', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 1 });
    const large = Buffer.alloc(10_000_000);
    for (let i = 0; i < large.length; i++) large[i] = (i * 31) % 251;
    await log.append(topic, recordBatch([{ value: 'before' }, { value: large }, { value: 'after' }]));
    const received: Buffer[] = [];
    for await (const block of log.read(topic, { partition: 0, from: 0, to: 3 })) {
      for (let i = 0; i < block.count; i++) received.push(Buffer.from(bytesOf(block, i)));
    }
    expect(received[0]!.toString()).toBe('before');
    expect(received[1]!.equals(large)).toBe(true);
    expect(received[2]!.toString()).toBe('after');
  });

  test('the longest record is taken, a longer one refused with all of its batch', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 1 });
    await log.append(topic, recordBatch([{ value: Buffer.alloc(RECORD_BYTES_MAX, 'x') }]));
    const batch = recordBatch([{ value: 'small' }, { value: Buffer.alloc(RECORD_BYTES_MAX + 1) }]);
    await expect(log.append(topic, batch)).rejects.toMatchObject({ kind: 'limit', where: { topic } });
    expect((await log.topic(topic)).partitions[0]!.endOffset).toBe(1);
  });

  test('a batch of many megabytes goes in at once', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 2 });
    const sent = Array.from({ length: 300 }, (_, i) => `${i}/${'x'.repeat(100_000)}`);
    await log.append(topic, recordBatch(sent.map((value, i) => ({ key: `k${i % 7}`, value }))));
    expect(values(await readAll(log, topic)).sort()).toEqual(sent.sort());
  });

  test('a batch whose parts do not fit together is refused', async () => {
    const { log, topic } = await logWithTopic(harness);
    const good = recordBatch([{ value: 'ab' }, { value: 'cd' }]);
    const bad = [
      { ...good, keys: [null] },
      { ...good, bounds: Uint32Array.from([0, 2]) },
      { ...good, bounds: Uint32Array.from([0, 3, 2]) },
      { ...good, bounds: Uint32Array.from([0, 2, 5]) },
    ];
    for (const batch of bad)
      await expect(log.append(topic, batch)).rejects.toMatchObject({ kind: 'invalid' });
    expect(await readAll(log, topic)).toEqual([]);
  });
}

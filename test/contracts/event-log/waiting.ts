import { expect, test } from 'vitest';
import { recordBatch } from '../../../packages/eventlake/src/log/record-batch.js';
import { type EventLogHarness, logWithTopic, opened } from './harness.js';

const FOREVER_MS = 50_000;

export function waiting(harness: EventLogHarness): void {
  test('who waits is called when a record arrives, in whatever partition, from whomever', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 3 });
    const other = await opened(harness);
    for (const producer of [log, other]) {
      const from = (await log.topic(topic)).partitions.map(({ endOffset }) => endOffset);
      const waits = [log, other].map((each) => each.waitForRecords(topic, from, { timeoutMs: FOREVER_MS }));
      await producer.append(topic, recordBatch([{ key: `from ${producer === log}`, value: 'x' }]));
      await Promise.all(waits);
      const ends = (await log.topic(topic)).partitions.map(({ endOffset }) => endOffset);
      expect(ends.some((end, i) => end > from[i]!)).toBe(true);
    }
  });

  test('records that are there already are not waited for', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 1 });
    await log.append(topic, recordBatch([{ value: 'x' }]));
    await log.waitForRecords(topic, [0], { timeoutMs: FOREVER_MS });
  });

  test('waiting ends with its time', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 1 });
    await log.waitForRecords(topic, [0], { timeoutMs: 0 });
    await log.waitForRecords(topic, [0], { timeoutMs: 30 });
  });

  test('waiting ends on abort, also where it had not begun', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 1 });
    const controller = new AbortController();
    const waits = log.waitForRecords(topic, [0], { timeoutMs: FOREVER_MS, signal: controller.signal });
    controller.abort();
    await waits;
    await log.waitForRecords(topic, [0], { timeoutMs: FOREVER_MS, signal: controller.signal });
  });
}

import { expect, test } from 'vitest';
import type { EventLog } from '../../../packages/eventlake/src/log/event-log.js';
import { recordBatch } from '../../../packages/eventlake/src/log/record-batch.js';
import { type EventLogHarness, logWithTopic, readAll, values } from './harness.js';

const HOUR_MS = 3_600_000;

export function retention(harness: EventLogHarness): void {
  const ifOwn = test.runIf(harness.ownRetention);

  ifOwn('what is larger than allowed loses its oldest records, and no other', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 1, retentionBytesMax: 300_000 });
    await fill(log, topic, 10);
    const { removedRecords } = await log.enforceRetention(topic);
    const { startOffset, endOffset } = (await log.topic(topic)).partitions[0]!;
    expect(endOffset).toBe(10);
    expect(startOffset).toBe(removedRecords);
    expect(removedRecords).toBeGreaterThanOrEqual(7);
    expect((await readAll(log, topic)).map(({ offset }) => offset)).toEqual(range(removedRecords, 10));
    expect(await log.enforceRetention(topic)).toEqual({ removedRecords: 0 });
  });

  test.runIf(harness.ownClock && harness.ownRetention)(
    'what is older than allowed goes, in every partition',
    async () => {
      let nowMs = 1_800_000_000_000;
      const { log, topic } = await logWithTopic(harness, {
        partitions: 2,
        retentionHours: 24,
        now: () => nowMs,
      });
      await log.append(
        topic,
        recordBatch([
          { key: 'a', value: 'old' },
          { key: 'b', value: 'old' },
          { key: 'c', value: 'old' },
        ]),
      );
      nowMs += 20 * HOUR_MS;
      await log.append(
        topic,
        recordBatch([
          { key: 'a', value: 'new' },
          { key: 'b', value: 'new' },
        ]),
      );
      expect(await log.enforceRetention(topic)).toEqual({ removedRecords: 0 });
      nowMs += 5 * HOUR_MS;
      expect(await log.enforceRetention(topic)).toEqual({ removedRecords: 3 });
      expect(values(await readAll(log, topic))).toEqual(['new', 'new']);
      nowMs += 100 * HOUR_MS;
      expect(await log.enforceRetention(topic)).toEqual({ removedRecords: 2 });
      expect(await readAll(log, topic)).toEqual([]);
      await log.append(topic, recordBatch([{ key: 'a', value: 'newest' }]));
      expect(values(await readAll(log, topic))).toEqual(['newest']);
    },
  );

  test('a topic without limits keeps everything', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 1 });
    await fill(log, topic, 5);
    expect(await log.enforceRetention(topic)).toEqual({ removedRecords: 0 });
    expect(await readAll(log, topic)).toHaveLength(5);
  });

  ifOwn('limits can be set later', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 1 });
    await fill(log, topic, 5);
    await log.createTopic(topic, { partitions: 1, retentionBytesMax: 1 });
    expect(await log.enforceRetention(topic)).toEqual({ removedRecords: 5 });
  });

  ifOwn('nothing is removed that a consumer has not read, unless it is forced', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 1, retentionBytesMax: 1 });
    await fill(log, topic, 10);
    await log.commitPositions('fast', topic, [10]);
    await log.commitPositions('slow', topic, [4]);
    expect(await log.enforceRetention(topic)).toEqual({ removedRecords: 4 });
    expect((await readAll(log, topic)).map(({ offset }) => offset)).toEqual(range(4, 10));
    expect(await log.enforceRetention(topic)).toEqual({ removedRecords: 0 });
    await log.commitPositions('slow', topic, [6]);
    expect(await log.enforceRetention(topic)).toEqual({ removedRecords: 2 });
    expect(await log.enforceRetention(topic, { force: true })).toEqual({ removedRecords: 4 });
  });

  test('who reads what is gone is told how much that is', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 1, retentionBytesMax: 1 });
    await fill(log, topic, 6);
    if (harness.removeBefore) await harness.removeBefore(topic, 0, 6);
    else await log.enforceRetention(topic);
    await fill(log, topic, 1);
    await expect(
      (async () => {
        for await (const _ of log.read(topic, { partition: 0, from: 2, to: 7 }));
      })(),
    ).rejects.toMatchObject({
      kind: 'data-loss',
      message: expect.stringContaining('4 records'),
      where: { topic, partition: 0, offset: 2 },
    });
    expect((await readAll(log, topic)).map(({ offset }) => offset)).toEqual([6]);
  });
}

/** Records of 100 kB, each appended on its own. */
async function fill(log: EventLog, topic: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++)
    await log.append(topic, recordBatch([{ value: Buffer.alloc(100_000, 'x') }]));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

import { expect, test } from 'vitest';
import { recordBatch } from '../../../packages/eventlake/src/log/record-batch.js';
import { type EventLogHarness, logWithTopic, newTopicName, opened, readAll, values } from './harness.js';

export function topics(harness: EventLogHarness): void {
  test('a topic is made once; who makes it again gets the same one', async () => {
    const log = await opened(harness);
    const topic = newTopicName();
    const made = await log.createTopic(topic, { partitions: 2 });
    expect(made.topic).toBe(topic);
    expect(made.topicId).not.toBe('');
    expect(made.partitions).toEqual([
      { partition: 0, startOffset: 0, endOffset: 0 },
      { partition: 1, startOffset: 0, endOffset: 0 },
    ]);
    expect(await log.createTopic(topic, { partitions: 2, retentionHours: 1 })).toEqual(made);
    expect(await log.topic(topic)).toEqual(made);
  });

  test('two that make a topic at the same time make one', async () => {
    const logs = await Promise.all([opened(harness), opened(harness)]);
    const topic = newTopicName();
    const infos = await Promise.all(logs.map((log) => log.createTopic(topic, { partitions: 1 })));
    expect(infos[0]).toEqual(infos[1]);
  });

  test('another number of partitions is refused', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 2 });
    await expect(log.createTopic(topic, { partitions: 3 })).rejects.toMatchObject({
      kind: 'invalid',
      where: { topic },
    });
  });

  test.each(['', 'a b', 'a/b', '..', 'ä', 'a'.repeat(250)])('%j is no name for a topic', async (name) => {
    const log = await opened(harness);
    await expect(log.createTopic(name, { partitions: 1 })).rejects.toMatchObject({ kind: 'invalid' });
  });

  test('a topic that is not there is not found, whatever is asked of it', async () => {
    const log = await opened(harness);
    const topic = newTopicName();
    const batch = recordBatch([{ value: 'x' }]);
    const missing = { kind: 'not-found', where: { topic } };
    await expect(log.topic(topic)).rejects.toMatchObject(missing);
    await expect(log.append(topic, batch)).rejects.toMatchObject(missing);
    await expect(
      log.read(topic, { partition: 0, from: 0, to: 1 })[Symbol.asyncIterator]().next(),
    ).rejects.toMatchObject(missing);
    await expect(log.positions('consumer', topic)).rejects.toMatchObject(missing);
    await expect(log.deleteTopic(topic)).rejects.toMatchObject(missing);
  });

  test('a topic that is made anew has another id, and nothing of the old one', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 1 });
    const before = await log.topic(topic);
    await log.append(topic, recordBatch([{ value: 'old' }]), {
      source: { id: 'file', from: undefined, to: 5 },
    });
    await log.commitPositions('consumer', topic, [1]);
    await log.deleteTopic(topic);
    await expect(log.topic(topic)).rejects.toMatchObject({ kind: 'not-found' });

    const after = await log.createTopic(topic, { partitions: 1 });
    expect(after.topicId).not.toBe(before.topicId);
    expect(after.partitions).toEqual([{ partition: 0, startOffset: 0, endOffset: 0 }]);
    expect(await log.positions('consumer', topic)).toBeUndefined();
    expect(await log.consumers(topic)).toEqual([]);
    expect(await log.sourcePosition(topic, 'file')).toBeUndefined();
    await log.append(topic, recordBatch([{ value: 'new' }]));
    expect(values(await readAll(log, topic))).toEqual(['new']);
  });
}

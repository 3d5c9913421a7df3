import { expect, test } from 'vitest';
import { recordBatch } from '../../../packages/eventlake/src/log/record-batch.js';
import { type EventLogHarness, logWithTopic, numbered, opened, readAll, values } from './harness.js';

export function positionsAndSources(harness: EventLogHarness): void {
  test('a consumer finds its positions again, and everybody sees its lag', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 2 });
    expect(await log.positions('raw-landing', topic)).toBeUndefined();
    expect(await log.consumers(topic)).toEqual([]);
    await log.append(topic, recordBatch(numbered('r', 50).map((value) => ({ key: value, value }))));
    const ends = (await log.topic(topic)).partitions.map(({ endOffset }) => endOffset);
    await log.commitPositions('raw-landing', topic, [ends[0]! - 5, ends[1]!]);
    await log.commitPositions('fast-agg', topic, [0, 0]);

    const other = await opened(harness);
    expect((await other.consumers(topic)).sort()).toEqual(['fast-agg', 'raw-landing']);
    const positions = (await other.positions('raw-landing', topic))!;
    expect(ends.map((end, i) => end - positions[i]!)).toEqual([5, 0]);
    expect(await other.positions('fast-agg', topic)).toEqual([0, 0]);
    await log.commitPositions('raw-landing', topic, ends);
    expect(await other.positions('raw-landing', topic)).toEqual(ends);
  });

  test('positions belong to one topic', async () => {
    const one = await logWithTopic(harness, { partitions: 1 });
    const two = await logWithTopic(harness, { partitions: 1 });
    await one.log.commitPositions('consumer', one.topic, [0]);
    expect(await one.log.positions('consumer', two.topic)).toBeUndefined();
    expect(await one.log.consumers(two.topic)).toEqual([]);
  });

  test('positions that are not one offset a partition are refused', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 2 });
    for (const positions of [[0], [0, 0, 0], [0, -1], [0, 0.5], [0, Number.NaN]]) {
      await expect(log.commitPositions('c', topic, positions)).rejects.toMatchObject({ kind: 'invalid' });
    }
    expect(await log.positions('c', topic)).toBeUndefined();
  });

  test('a source that is appended again appends nothing twice', async () => {
    const { log, topic } = await logWithTopic(harness);
    const batch = recordBatch([{ value: 'a' }, { value: 'b' }]);
    const source = { id: '/data/événements.ndjson', from: undefined, to: 4 };
    expect(await log.sourcePosition(topic, source.id)).toBeUndefined();
    expect(await log.append(topic, batch, { source })).toEqual({ status: 'appended', count: 2 });
    expect(await log.append(topic, batch, { source })).toEqual({ status: 'source-moved', position: 4 });
    expect(await log.sourcePosition(topic, source.id)).toBe(4);

    const more = recordBatch([{ value: 'c' }]);
    expect(await log.append(topic, more, { source: { ...source, from: 3, to: 6 } })).toEqual({
      status: 'source-moved',
      position: 4,
    });
    expect(await log.append(topic, more, { source: { ...source, from: 4, to: 6 } })).toEqual({
      status: 'appended',
      count: 1,
    });
    expect(values(await readAll(log, topic)).sort()).toEqual(['a', 'b', 'c']);
  });

  test('a source moves without records, too', async () => {
    const { log, topic } = await logWithTopic(harness);
    await log.append(topic, recordBatch([]), { source: { id: 's', from: undefined, to: 100 } });
    expect(await log.sourcePosition(topic, 's')).toBe(100);
    await log.append(topic, recordBatch([]), { source: { id: 's', from: 100, to: 0 } });
    expect(await log.sourcePosition(topic, 's')).toBe(0);
  });

  test('sources do not know of each other, nor of other topics', async () => {
    const one = await logWithTopic(harness);
    const two = await logWithTopic(harness);
    const batch = recordBatch([{ value: 'x' }]);
    for (const [topic, id] of [
      [one.topic, 'a'],
      [one.topic, 'b'],
      [two.topic, 'a'],
    ] as const) {
      expect(await one.log.append(topic, batch, { source: { id, from: undefined, to: 1 } })).toEqual({
        status: 'appended',
        count: 1,
      });
    }
  });

  test('of several that append the same part of a source at once, one does', async () => {
    const { log, topic } = await logWithTopic(harness);
    const logs = [log, await opened(harness), await opened(harness)];
    for (let step = 0; step < 10; step++) {
      const batch = recordBatch([{ value: `part ${step}` }]);
      const source = { id: 'shared', from: step === 0 ? undefined : step, to: step + 1 };
      const results = await Promise.all(logs.map((each) => each.append(topic, batch, { source })));
      expect(results.filter(({ status }) => status === 'appended')).toHaveLength(1);
      for (const result of results) {
        if (result.status === 'source-moved') expect(result.position).toBe(step + 1);
      }
    }
    expect(values(await readAll(log, topic)).sort()).toEqual(
      Array.from({ length: 10 }, (_, i) => `part ${i}`),
    );
  });
}

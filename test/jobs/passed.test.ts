import { describe, expect, test } from 'vitest';
import { common, inParts, merged, without } from '../../packages/eventlake/src/jobs/offset-sets.js';
import { goOn, readableRanges } from '../../packages/eventlake/src/jobs/passed.js';

const info = (topicId: string, ...ends: [start: number, end: number][]) => ({
  topic: 'events',
  topicId,
  partitions: ends.map(([startOffset, endOffset], partition) => ({ partition, startOffset, endOffset })),
});
const passed = { topicId: 'a', start: [0, 0], position: [10, 20] };
const range = (partition: number, from: number, to: number) => ({ partition, from, to });

describe('a job goes on', () => {
  test('where it stood, if nothing is gone', () => {
    expect(goOn(info('a', [10, 12], [3, 20]), passed, 4)).toEqual({ passed, gaps: [] });
  });

  test('from the first record that is kept, naming what is lost', () => {
    expect(goOn(info('a', [15, 30], [3, 20]), passed, 4)).toEqual({
      passed: { ...passed, position: [15, 20] },
      gaps: [{ ...range(0, 10, 15), reason: 'lost' }],
    });
  });

  test('from the beginning of a topic that was made anew, whatever its partitions are', () => {
    expect(goOn(info('b', [0, 5], [2, 5], [0, 0]), passed, 4)).toEqual({
      passed: {
        topicId: 'b',
        start: [0, 0, 0],
        position: [0, 2, 0],
        earlier: [{ topicId: 'a', start: [0, 0], position: [10, 20], toBatch: 4, marks: 2 }],
      },
      gaps: [
        { ...range(0, 10, 10), reason: 'recreated' },
        { ...range(1, 20, 20), reason: 'recreated' },
        { ...range(1, 0, 2), reason: 'lost' },
      ],
    });
  });

  test('from the end of a partition that was cut off before the position', () => {
    expect(goOn(info('a', [0, 7], [0, 25]), passed, 4)).toEqual({
      passed: {
        topicId: 'a',
        start: [7, 20],
        position: [7, 20],
        earlier: [{ topicId: 'a', start: [0, 0], position: [10, 20], toBatch: 4, marks: 1 }],
      },
      gaps: [{ ...range(0, 7, 10), reason: 'truncated' }],
    });
  });

  test('into partitions that were added, from their beginning', () => {
    expect(goOn(info('a', [0, 10], [0, 20], [0, 3]), passed, 4).passed).toMatchObject({
      start: [0, 0, 0],
      position: [10, 20, 0],
    });
  });
});

test('of an old plan, what can still be read and what cannot', () => {
  const plan = { topicId: 'a', ranges: [range(0, 0, 10), range(1, 0, 10), range(2, 0, 10)] };
  expect(readableRanges(info('a', [0, 10], [4, 10], [0, 6]), plan)).toEqual({
    ranges: [range(0, 0, 10), range(1, 4, 10), range(2, 0, 6)],
    gone: [
      { ...range(1, 0, 4), reason: 'lost' },
      { ...range(2, 6, 10), reason: 'lost' },
    ],
  });
  expect(readableRanges(info('b', [0, 10], [0, 10], [0, 10]), plan)).toMatchObject({
    ranges: [],
    gone: [{ reason: 'recreated' }, { reason: 'recreated' }, { reason: 'recreated' }],
  });
});

describe('sets of offsets', () => {
  test('what is in one and not in the other, and what is in both', () => {
    const all = [range(0, 0, 10), range(1, 0, 10)];
    expect(without(all, [range(0, 3, 5), range(0, 8, 20)])).toEqual([
      range(0, 0, 3),
      range(0, 5, 8),
      range(1, 0, 10),
    ]);
    expect(common(all, [range(0, 3, 5), range(1, 8, 20)])).toEqual([range(0, 3, 5), range(1, 8, 10)]);
    expect(merged([range(0, 5, 6), range(0, 0, 5), range(0, 2, 3), range(1, 1, 1)])).toEqual([
      range(0, 0, 6),
    ]);
  });

  test('cut into parts', () => {
    expect(inParts([range(0, 0, 5), range(1, 0, 3)], 4)).toEqual([
      [range(0, 0, 4)],
      [range(0, 4, 5), range(1, 0, 3)],
    ]);
  });
});

import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { mapAtMost } from '../../packages/eventlake/src/engine/map-at-most.js';

/** Counts how many run at once. */
function watched(work: (item: number) => Promise<number>) {
  const seen = { running: 0, most: 0, begun: [] as number[] };
  const run = async (item: number) => {
    seen.begun.push(item);
    seen.most = Math.max(seen.most, ++seen.running);
    try {
      return await work(item);
    } finally {
      seen.running--;
    }
  };
  return { seen, run };
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await setImmediate();
}

test('results come in the order of the items, whichever ends first, and never more run at once', async () => {
  const { seen, run } = watched(async (item) => {
    await turns(10 - item);
    return item * item;
  });
  expect(await mapAtMost(3, [1, 2, 3, 4, 5, 6, 7], run)).toEqual([1, 4, 9, 16, 25, 36, 49]);
  expect(seen).toMatchObject({ running: 0, most: 3 });
});

test('after a failure nothing new begins, and what is under way has ended when it is told', async () => {
  const { seen, run } = watched(async (item) => {
    if (item === 2) throw new Error('two');
    await turns(20);
    return item;
  });
  await expect(mapAtMost(2, [1, 2, 3, 4], run)).rejects.toThrow('two');
  expect(seen).toMatchObject({ running: 0, begun: [1, 2] });
});

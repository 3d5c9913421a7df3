import { expect, test } from 'vitest';
import { sourcesBelow } from './sources.js';

const sources = ['packages/delta/src', 'packages/eventlake/src', 'pipelines/user-events/src'].flatMap(
  sourcesBelow,
);

test('no file outgrows a screenful of screens', () => {
  const tooLong = sources.filter(({ text }) => text.split('\n').length > 450).map(({ path }) => path);
  expect(tooLong).toEqual([]);
});

test('files are small: the median has at most 150 lines', () => {
  const lengths = sources.map(({ text }) => text.split('\n').length).sort((a, b) => a - b);
  expect(lengths[Math.floor(lengths.length / 2)]).toBeLessThanOrEqual(150);
});

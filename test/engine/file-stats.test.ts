import { expect, test } from 'vitest';
import { deltaStats } from '../../packages/eventlake/src/engine/delta/file-stats.js';

const HIGHEST = '\u{10ffff}';

/** The upper bound that a file gets whose greatest text this is. */
function boundOf(max: string): string | undefined {
  const column = new Map(Object.entries({ null_count: '0', min: 'a', max }));
  const fields = [{ name: 'page', type: 'string', nullable: true, metadata: {} }] as const;
  const json = deltaStats({ rows: 1, columns: new Map([['page', column]]) }, fields);
  return (JSON.parse(json) as { maxValues: { page?: string } }).maxValues.page;
}

test.each([
  ['/short', '/short'],
  ['b'.repeat(32), 'b'.repeat(32)],
  ['b'.repeat(33), `${'b'.repeat(32)}${HIGHEST}`],
  // No reader may leave out a file whose greatest text ends in whatever many highest characters.
  [`${'b'.repeat(32)}${HIGHEST.repeat(5)}`, undefined],
  [HIGHEST.repeat(40), undefined],
])('the bound of %j is not below it', (text, bound) => {
  expect(boundOf(text)).toBe(bound);
});

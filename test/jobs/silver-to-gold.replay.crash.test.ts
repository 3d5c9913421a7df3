import { expect, it } from 'vitest';
import { atEveryCrashPoint } from './crashes.js';
import { event } from './events.js';
import { goldOf, landed, mirrorsOf, toGold, toSilver } from './gold.js';
import { type Lake, servingOfFile } from './lake.js';

const serving = await servingOfFile();

/** What comes before a batch of gold that is not the first. */
const twoArrivals = [
  landed([event(1), event(2), event(3)]),
  toSilver,
  (lake: Lake) => toGold(lake),
  landed([event(4), event(5), event(2)]),
  toSilver,
];
const goldAndMirrors = async (lake: Lake) => ({ ...(await goldOf(lake)), mirrors: await mirrorsOf(serving) });

it('every batch that appends to rollups is finished by the next start, once, wherever it broke off', async () => {
  await atEveryCrashPoint(
    'silver-to-gold',
    { serving },
    [
      ...twoArrivals,
      (lake) => toGold(lake),
      landed([event(6)]),
      toSilver,
      (lake) => toGold(lake, { fullRefresh: true }),
    ],
    goldAndMirrors,
    (seen, undisturbed, where) => expect(seen, where).toEqual(undisturbed),
    true,
  );
}, 900_000);

it('a batch that folds every rollup is finished by the next start, once, wherever it broke off', async () => {
  const passed = await atEveryCrashPoint(
    'silver-to-gold',
    { serving },
    [...twoArrivals, (lake) => toGold(lake, { foldFilesMax: 0 })],
    goldAndMirrors,
    (seen, undisturbed, where) => expect(seen, where).toEqual(undisturbed),
  );
  expect(passed).toContain('silver-to-gold:after-rollup.day_counts-commit');
  expect(passed).toContain('silver-to-gold:after-rollup.day_visitors-commit');
  expect(passed).toContain('silver-to-gold:after-gold.fact_events-commit');
  expect(passed).toContain('silver-to-gold:after-publish');
}, 300_000);

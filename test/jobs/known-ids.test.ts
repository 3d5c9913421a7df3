import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bronzeToSilver } from '../../packages/eventlake/src/jobs/bronze-to-silver.js';
import { runJob } from '../../packages/eventlake/src/jobs/loop.js';
import { badDay, event } from './events.js';
import { landed } from './gold.js';
import { type Lake, openLake } from './lake.js';
import { layerOf } from './tables.js';

const once = { intervalMs: 1, once: true };
const indexed = (lake: Lake, fullRefresh = false) =>
  runJob(bronzeToSilver(lake.context, { idSetSizes: { min: 2, max: 20 }, fullRefresh }), lake.context, once);
const plain = (lake: Lake) => runJob(bronzeToSilver(lake.context), lake.context, once);

describe('the index of the ids that silver has', () => {
  let lake: Lake;
  beforeEach(async () => {
    lake = await openLake();
    for (const n of [0, 1, 2]) {
      await landed(Array.from({ length: 10 }, (_, i) => event(n * 10 + i)))(lake);
      await indexed(lake);
    }
  });
  afterEach(() => lake.close());

  const folder = () => join(lake.context.settings.lakehouse, 'indexes');
  const sets = async () =>
    (await readdir(folder(), { recursive: true })).filter((name) => name.endsWith('.ids')).sort();
  /** Up to which landed batch the sets follow each other without a gap. */
  const covered = async () => {
    let end = 0;
    for (const name of await sets()) {
      const [from, to] = name.split('/').at(-1)!.replace('.ids', '').split('-').map(Number);
      if (from === end) end = to!;
    }
    return end;
  };
  const duplicates = async () => (await layerOf(lake.context, 'silver'))['silver.user_events_duplicates'];

  it('finds a duplicate of every batch that it covers', async () => {
    expect((await sets()).length).toBeGreaterThanOrEqual(2);
    await landed([event(3), event(13), event(23), event(99)])(lake);
    await indexed(lake);
    expect(await duplicates()).toHaveLength(3);
  });

  it('costs time when it is lost or damaged, never a duplicate, and is made again', async () => {
    const before = await sets();
    await writeFile(join(folder(), before[0]!), 'no index');
    await rm(join(folder(), before[1]!));
    await landed([event(3), event(13), event(23)])(lake);
    await indexed(lake);
    expect(await duplicates()).toHaveLength(3);
    // Neighbouring gaps may become one set: what counts is that nothing is left out.
    expect(await covered()).toBe(3);
    await landed([event(4), event(14), event(24)])(lake);
    await indexed(lake);
    expect(await duplicates()).toHaveLength(6);
  });

  it('begins anew when silver is made anew', async () => {
    const before = await sets();
    await indexed(lake, true);
    expect((await sets()).some((name) => before.includes(name))).toBe(false);
    await landed([event(3)])(lake);
    await indexed(lake);
    expect(await duplicates()).toHaveLength(1);
  });
});

it('gives the same tables as reading every id', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(badDay, { maxLength: 30 }), { minLength: 2, maxLength: 6 }),
      async (steps) => {
        const [with_, without] = [await openLake(), await openLake()];
        try {
          for (const events of steps) {
            for (const lake of [with_, without]) await landed(events)(lake);
            await indexed(with_);
            await plain(without);
          }
          expect(await layerOf(with_.context, 'silver')).toEqual(await layerOf(without.context, 'silver'));
        } finally {
          await with_.close();
          await without.close();
        }
      },
    ),
    { numRuns: 6 },
  );
}, 300_000);

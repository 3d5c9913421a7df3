import { existsSync } from 'node:fs';
import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { maintenance } from '../../packages/eventlake/src/jobs/maintenance.js';
import { bronzeTables } from '../../packages/eventlake/src/schema/tables.js';
import { event } from './events.js';
import { landed } from './gold.js';
import { openLake } from './lake.js';

const HOUR_MS = 3_600_000;

afterEach(() => vi.restoreAllMocks());

it('a job that goes on removes what commits that failed have left, when it is older than the retention', async () => {
  const lake = await openLake({ partitions: 1 });
  try {
    const { context } = lake;
    await landed([event(1)])(lake);
    const { events } = bronzeTables(context.pipeline.event);
    const folder = join(context.settings.lakehouse, events.name.replace('.', '/'));
    const left = async (name: string, hoursAgo: number) => {
      const path = join(folder, name);
      await writeFile(path, 'rows that no version names');
      const time = (Date.now() - hoursAgo * HOUR_MS) / 1000;
      await utimes(path, time, time);
      return path;
    };
    const { vacuumRetentionHours } = context.settings.maintenance;
    const old = await left('old.parquet', vacuumRetentionHours + 1);
    const young = await left('young.parquet', vacuumRetentionHours - 1);

    const tidy = maintenance(context, [events], []);
    await tidy();
    expect(existsSync(old)).toBe(true);
    const beganMs = performance.now();
    vi.spyOn(performance, 'now').mockImplementation(() => beganMs + 7 * HOUR_MS);
    await tidy();
    expect([old, young].map((path) => existsSync(path))).toEqual([false, true]);
  } finally {
    await lake.close();
  }
});

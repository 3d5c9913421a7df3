import pipeline from '@eventlake/user-events';
import { beforeEach, expect, test } from 'vitest';
import { fastAgg } from '../../packages/eventlake/src/jobs/fast-agg.js';
import type { JobContext, StreamingJob } from '../../packages/eventlake/src/jobs/job.js';
import { rawLanding } from '../../packages/eventlake/src/jobs/raw-landing.js';
import { isSettled, readLive } from '../../packages/eventlake/src/verify/live-position.js';
import { event, records } from './events.js';
import { withPartitions } from './growing.js';
import { type Lake, openLake, servingOfFile } from './lake.js';
import { dropLive } from './live.js';

const { topic } = pipeline.event;
const serving = await servingOfFile();
beforeEach(() => dropLive(serving));

const jobs: [string, (context: JobContext) => StreamingJob, (lake: Lake) => Promise<number>][] = [
  ['raw-landing', rawLanding, landed],
  ['fast-agg', (context) => fastAgg(context), counted],
];

test.each(jobs)(
  '%s goes on where its topic got partitions, at work and at its start',
  async (name, make, total) => {
    const grown = { partitions: 2 };
    const lake = await openLake({ serving, partitions: 6, log: withPartitions(grown) });
    const { context } = lake;
    const append = (from: number) => {
      const events = Array.from({ length: 30 }, (_, i) => event(from + i));
      return lake.append(records(events).map((record, i) => ({ ...record, key: `${from + i}` })));
    };
    try {
      await append(0);
      const first = make(context);
      await takeAll(first);
      grown.partitions = 4;
      await append(30);
      await takeAll(first, false);
      const { partitions } = await context.log.topic(topic);
      expect(partitions.filter(({ endOffset }) => endOffset > 0)).toHaveLength(4);
      expect(await total(lake)).toBe(partitions.reduce((sum, { endOffset }) => sum + endOffset, 0));

      grown.partitions = 6;
      const again = make(context);
      await again.recover();
      // What has come into the new ones is still to be taken.
      expect((await context.log.positions(name, topic))?.slice(4)).toEqual([0, 0]);
      if (name === 'fast-agg') {
        expect(isSettled((await readLive(context, async () => 0))!)).toBe(true);
      }
      await takeAll(again, false);
      expect(await total(lake)).toBe(60);
    } finally {
      await lake.close();
    }
  },
);

async function takeAll(job: StreamingJob, isStart = true): Promise<void> {
  if (isStart) await job.recover();
  while (await job.runBatch());
}

async function landed({ context: { engine } }: Lake): Promise<number> {
  const session = await engine.open();
  try {
    await session.readTable('landed', 'bronze.user_events');
    const [row] = await session.query<{ n: number }>('SELECT count(*) AS n FROM landed');
    return Number(row!.n);
  } finally {
    await session.close();
  }
}

async function counted(): Promise<number> {
  const tables = [...pipeline.live.tables.slice(0, 1), pipeline.live.late];
  const counts = await Promise.all(
    tables.map(({ name, count }) => serving.query<{ n: number }>(`SELECT sum(${count}) AS n FROM ${name}`)),
  );
  return counts.reduce((sum, [row]) => sum + Number(row!.n), 0);
}

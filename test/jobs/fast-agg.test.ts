import pipeline from '@eventlake/user-events';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { fastAgg } from '../../packages/eventlake/src/jobs/fast-agg.js';
import { runJob } from '../../packages/eventlake/src/jobs/loop.js';
import { liveTables } from '../../packages/eventlake/src/schema/tables.js';
import { badDay, click, event, records } from './events.js';
import { type Lake, NOON_MS, openLake, servingOfFile } from './lake.js';
import { land } from './landing.js';
import { countLive, dropLive, liveOf, withMeanwhile } from './live.js';

const MINUTE_MS = 60_000;
const once = { intervalMs: 1, once: true };
const serving = await servingOfFile();
beforeEach(() => dropLive(serving));

async function withLake<T>(work: (lake: Lake) => Promise<T>, partitions = 1): Promise<T> {
  const lake = await openLake({ serving, partitions });
  try {
    return await work(lake);
  } finally {
    await lake.close();
  }
}

describe('fast-agg', () => {
  it('counts a minute exactly, with the query of the dashboard, while it grows', () =>
    withLake(async (lake) => {
      for (const events of [
        [click(1, 0), click(2, 0.5)],
        [click(3, 0.9), click(4, 1)],
      ]) {
        await lake.append(records(events));
        await countLive(lake);
      }
      const rows = await serving.query(
        `SELECT window_start as time, event_type as metric, sum(event_count) as value FROM realtime.events_per_minute
         WHERE window_start >= toDateTime(0) GROUP BY window_start, event_type ORDER BY window_start ASC`,
      );
      expect(rows).toEqual([
        { time: '2025-03-10 12:00:00', metric: 'click', value: 3 },
        { time: '2025-03-10 12:01:00', metric: 'click', value: 1 },
      ]);
    }));

  it('does not add to what another lake has counted on the same ClickHouse', async () => {
    const one = [click(1, 0)];
    await withLake(async (lake) => {
      await lake.append(records(one));
      await countLive(lake);
    });
    await withLake(async (lake) => {
      await lake.append(records(one));
      await expect(countLive(lake)).rejects.toMatchObject({ kind: 'invalid', where: { job: 'fast-agg' } });
      await dropLive(serving);
      await countLive(lake);
      expect(await serving.query('SELECT sum(event_count) AS n FROM realtime.events_per_minute')).toEqual([
        { n: 1 },
      ]);
    });
  });

  it('goes on with what another instance of the same lake has counted just now', () =>
    withLake(async (lake) => {
      await lake.append(records([click(1, 0)]));
      const slower = withMeanwhile(lake, 'AS filled', () => countLive(lake));
      await runJob(fastAgg(slower), slower, once);
      expect(await serving.query('SELECT sum(event_count) AS n FROM realtime.events_per_minute')).toEqual([
        { n: 1 },
      ]);
    }));

  it('counts an event as late when its minute ended at or before the watermark, not earlier', () =>
    withLake(async (lake) => {
      lake.clock.ms = NOON_MS + 10 * MINUTE_MS;
      await lake.append(records([click(1, 10), click(2, 8), click(3, 8.9), click(4, 7.999), click(5, -60)]));
      await countLive(lake);
      const tables = await liveOf(serving);
      expect(tables['realtime.events_per_minute']).toMatchObject([
        { window_start: '2025-03-10 12:08:00', event_count: 2 },
        { window_start: '2025-03-10 12:10:00', event_count: 1 },
      ]);
      expect(tables['realtime.late_events_per_minute']).toMatchObject([
        { window_start: '2025-03-10 11:00:00', event_count: 1 },
        { window_start: '2025-03-10 12:07:00', event_count: 1 },
      ]);
    }));

  it('rejects an event of next year, and its time closes no minute', () =>
    withLake(async (lake) => {
      await lake.append(records([click(1, 0), click(2, 400 * 24 * 60), click(3, -1.5)]));
      await countLive(lake);
      const tables = await liveOf(serving);
      expect(tables['realtime.late_events_per_minute']).toEqual([]);
      expect(tables['realtime.events_per_minute']).toHaveLength(2);
    }));

  it('goes on after an hour of silence as if there had been none', () =>
    withLake(async (lake) => {
      await lake.append(records([click(1, 0)]));
      await countLive(lake);
      lake.clock.ms += 60 * MINUTE_MS;
      await countLive(lake);
      await lake.append(records([click(2, 0.5), click(3, 60), click(4, 57.5)]));
      await countLive(lake);
      const tables = await liveOf(serving);
      expect(tables['realtime.events_per_minute']).toMatchObject([
        { window_start: '2025-03-10 12:00:00', event_count: 2 },
        { window_start: '2025-03-10 13:00:00', event_count: 1 },
      ]);
      expect(tables['realtime.late_events_per_minute']).toMatchObject([{ event_count: 1 }]);
    }));

  it('gives the same tables however the batches are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.array(badDay, { maxLength: 40 }), fc.constantFrom(0, 1024, 4096)), {
          minLength: 1,
          maxLength: 5,
        }),
        async (steps) => {
          const run = (cut: boolean) =>
            withLake(async (lake) => {
              await dropLive(serving);
              for (const [events, commitBytesMax] of steps) {
                await lake.append(records(events));
                if (cut && commitBytesMax > 0) await countLive(lake, commitBytesMax);
              }
              await countLive(lake);
              return liveOf(serving);
            }, 3);
          expect(await run(true)).toEqual(await run(false));
        },
      ),
      { numRuns: 10 },
    );
  }, 300_000);

  it('makes them anew by itself where ClickHouse has lost them all', () =>
    withLake(async (lake) => {
      await lake.append(records([click(1, 0), click(2, 1), event(3)]));
      await countLive(lake);
      await land(lake.context);
      const before = await liveOf(serving);
      await dropLive(serving);
      await countLive(lake);
      expect(await liveOf(serving)).toEqual(before);
    }));

  const twoBatches = async (lake: Lake) => {
    await lake.append(records([click(1, 0), click(2, 1), event(3)]));
    await countLive(lake);
    await lake.append(records([click(4, 1), click(5, 2), click(6, -60)]));
  };
  const expected = () =>
    withLake(async (lake) => {
      await twoBatches(lake);
      await countLive(lake);
      return liveOf(serving);
    });
  const refresh = (context: Lake['context']) =>
    runJob(fastAgg(context, { fullRefresh: true }), context, once);

  const insertOfBatch2 = `insert realtime.events_per_minute fast-agg/${pipeline.event.topic}/2`;

  it('a full refresh is not added to by an insert that was under way', async () => {
    const tables = await expected();
    await dropLive(serving);
    await withLake(async (lake) => {
      await twoBatches(lake);
      const slower = withMeanwhile(lake, insertOfBatch2, async () => {
        await refresh(lake.context);
        // ClickHouse had looked at it before it was told to refuse it.
        await dropFences();
      });
      await runJob(fastAgg(slower), slower, once);
      expect(await liveOf(serving)).toEqual(tables);
    });
  });

  it.each([
    ['has gone on', (lake: Lake) => countLive(lake)],
    [
      'has made the tables anew twice',
      (lake: Lake) => refresh(lake.context).then(() => refresh(lake.context)),
    ],
  ])('an instance that slept before its insert adds nothing after another one %s', async (_, goesOn) => {
    await withLake(async (lake) => {
      await twoBatches(lake);
      const slower = withMeanwhile(lake, insertOfBatch2, async () => {
        await goesOn(lake);
        await forgetTokens(lake);
      });
      const sleeper = runJob(fastAgg(slower), slower, once);
      await expect(sleeper).rejects.toMatchObject({ kind: 'fenced' });
      const seen = await liveOf(serving);
      await refresh(lake.context);
      expect(seen).toEqual(await liveOf(serving));
    });
  });

  it('plans that are older than the tables are refused, until the tables are made anew', () =>
    withLake(async (lake) => {
      await twoBatches(lake);
      await countLive(lake);
      const before = await liveOf(serving);
      await countLive(lake);
      for await (const { path } of lake.context.store.list('checkpoints/fast-agg/')) {
        if (path.endsWith('2.json')) await lake.context.store.delete(path);
      }
      const again = countLive(lake);
      await expect(again).rejects.toMatchObject({ kind: 'invalid', hint: /--full-refresh/ });
      await refresh(lake.context);
      expect(await liveOf(serving)).toEqual(before);
    }));

  /** As if ten thousand batches had come meanwhile. */
  async function forgetTokens(lake: Lake): Promise<void> {
    const window = (tokens: number) =>
      Promise.all(
        liveTables(pipeline).map(({ name }) =>
          serving.query(`ALTER TABLE ${name} MODIFY SETTING non_replicated_deduplication_window = ${tokens}`),
        ),
      );
    await window(1);
    await lake.append(records([click(7, 2)]));
    await countLive(lake);
    await window(10_000);
  }

  async function dropFences(): Promise<void> {
    for (const { name } of liveTables(pipeline)) {
      const [table] = await serving.query<{ fences: string[] }>(
        `SELECT extractAll(create_table_query, 'CONSTRAINT (\\w+) ') AS fences FROM system.tables
         WHERE concat(database, '.', name) = '${name}'`,
      );
      expect(table!.fences).toHaveLength(1);
      await serving.query(`ALTER TABLE ${name} DROP CONSTRAINT ${table!.fences[0]}`);
    }
  }

  it('an instance that empties the tables after another has counted counts everything again', async () => {
    const tables = await expected();
    await dropLive(serving);
    await withLake(async (lake) => {
      await twoBatches(lake);
      const slower = withMeanwhile(lake, 'TRUNCATE', async () => {
        await countLive(lake);
        // Equal plans of one process at one time would be taken for one.
        lake.clock.ms += 1;
      });
      await refresh(slower);
      expect(await liveOf(serving)).toEqual(tables);
    });
  });
});

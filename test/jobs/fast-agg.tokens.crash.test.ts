import pipeline from '@eventlake/user-events';
import { beforeEach, describe, expect, it } from 'vitest';
import { fastAgg } from '../../packages/eventlake/src/jobs/fast-agg.js';
import { runJob } from '../../packages/eventlake/src/jobs/loop.js';
import type { Serving } from '../../packages/eventlake/src/serving/serving.js';
import { click, records } from './events.js';
import { Crash, type Lake, NOON_MS, openLake, servingOfFile } from './lake.js';
import { countLive, dropLive, liveOf, withMeanwhile } from './live.js';

const TABLE = 'realtime.events_per_minute';
const LATE = 'realtime.late_events_per_minute';
const MINUTE = Math.floor(NOON_MS / 1000) + 3600;
const oneClick = { window_start: MINUTE, window_end: MINUTE + 60, event_type: 'click', event_count: 1 };

const serving = await servingOfFile();
beforeEach(() => dropLive(serving));

async function makeLake(): Promise<Lake> {
  const lake = await openLake({ serving, partitions: 1 });
  lake.clock.ms = NOON_MS + 3_600_000;
  return lake;
}

/** One batch is counted, and the next one breaks off at a step, with events for two tables. */
async function brokenOff(at: string, work: (lake: Lake) => Promise<void>): Promise<void> {
  const lake = await makeLake();
  try {
    await lake.append(records([click(1, 60), click(2, 60)]));
    await countLive(lake);
    await lake.append(records([click(3, 60), click(4, 0)]));
    // Every start replays the batch before.
    Object.assign(lake.crash, { at, nth: at === 'fast-agg:after-position' ? 2 : 1 });
    await expect(countLive(lake)).rejects.toThrow(Crash);
    await work(lake);
  } finally {
    await lake.close();
  }
}

/** As a power loss does it, before the system has written what ClickHouse has not flushed: the rows stay. */
async function forgetTokens(table: string): Promise<void> {
  for (const window of [0, 10_000]) {
    await serving.query(
      `ALTER TABLE ${table} MODIFY SETTING non_replicated_deduplication_window = ${window}`,
    );
  }
}

/** As a kill does it, between the two writes of an insert. */
async function tokenWithoutRows(table: string, batch: number): Promise<void> {
  const { count } = [...pipeline.live.tables, pipeline.live.late].find(({ name }) => name === table)!;
  const nothing = { window_start: 0, window_end: 0, [count]: 0 };
  await serving.insert(table, [nothing], `fast-agg/${pipeline.event.topic}/${batch}`);
}

async function sums(): Promise<Record<string, number>> {
  const [row] = await serving.query<{ counted: number; late: number }>(
    `SELECT (SELECT sum(event_count) FROM ${TABLE}) AS counted, (SELECT sum(event_count) FROM ${LATE}) AS late`,
  );
  return { ...row! };
}

describe('a batch of fast-agg that broke off is counted once', () => {
  it('where the token is gone and the rows are there', () =>
    brokenOff('fast-agg:after-position', async (lake) => {
      const whole = await liveOf(serving);
      for (const { name } of [...pipeline.live.tables, pipeline.live.late]) await forgetTokens(name);
      await countLive(lake);
      expect(await liveOf(serving)).toEqual(whole);
      expect(await sums()).toEqual({ counted: 3, late: 1 });
    }));

  it('where one table has its rows, without a token, and the other has nothing', () =>
    brokenOff(`fast-agg:after-plan`, async (lake) => {
      await serving.insert(TABLE, [oneClick], 'by/hand');
      await countLive(lake);
      expect(await sums()).toEqual({ counted: 3, late: 1 });
    }));

  it.each([TABLE, LATE])('where %s has the token, and no rows', (table) =>
    brokenOff('fast-agg:after-plan', async (lake) => {
      await tokenWithoutRows(table, 2);
      await countLive(lake);
      expect(await sums()).toEqual({ counted: 3, late: 1 });
      await lake.append(records([click(5, 60)]));
      await countLive(lake);
      expect(await sums()).toEqual({ counted: 4, late: 1 });
    }),
  );

  it('where an instance sleeps before its second insert, and another one makes the tables anew', () =>
    brokenOff('fast-agg:after-plan', async (lake) => {
      // Emptied, and batches of before are not refused yet.
      const refresh = withMeanwhile(lake, 'ADD CONSTRAINT', () =>
        serving.insert(TABLE, [oneClick], `fast-agg/${pipeline.event.topic}/again/2`),
      );
      await runJob(fastAgg(refresh, { fullRefresh: true }), refresh, { intervalMs: 1, once: true });
      expect(await sums()).toEqual({ counted: 3, late: 1 });
    }));

  it('where somebody has taken rows away meanwhile: by its token, as ever', () =>
    brokenOff('fast-agg:after-position', async (lake) => {
      await serving.query(`ALTER TABLE ${TABLE} DELETE WHERE 1 SETTINGS mutations_sync = 1`);
      await countLive(lake);
      expect(await sums()).toEqual({ counted: 0, late: 1 });
    }));

  it('where ClickHouse was started anew during an insert, and has only the token', async () => {
    const lake = await makeLake();
    try {
      await lake.append(records([click(1, 60)]));
      await countLive(lake);
      await lake.append(records([click(2, 60)]));
      let connections = serving.connections;
      const killed = withMeanwhile(lake, `insert ${TABLE}`, async () => {
        await tokenWithoutRows(TABLE, 2);
        connections++;
      });
      const context = {
        ...killed,
        serving: async () =>
          new Proxy(await killed.serving(), {
            get: (target, name: keyof Serving) => (name === 'connections' ? connections : target[name]),
          }),
      };
      await runJob(fastAgg(context), context, { intervalMs: 1, once: true });
      expect(await sums()).toEqual({ counted: 2, late: 0 });
    } finally {
      await lake.close();
    }
  });
});

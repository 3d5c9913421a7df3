import { openTable } from '@eventlake/delta';
import pipeline from '@eventlake/user-events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deltaTables, liveTables, servingTables } from '../../packages/eventlake/src/schema/tables.js';
import type { Row, Serving } from '../../packages/eventlake/src/serving/serving.js';
import { verify } from '../../packages/eventlake/src/verify/verify.js';
import { event, records } from '../jobs/events.js';
import { landed, toGold, toSilver } from '../jobs/gold.js';
import { type Lake, openLake, openServing } from '../jobs/lake.js';
import { dropLive } from '../jobs/live.js';
import { badDay, deleteRow, red, toLive } from './ledger.js';

let serving: Serving;
let closeServing: () => Promise<void>;
beforeAll(async () => {
  ({ serving, close: closeServing } = await openServing());
});
afterAll(() => closeServing());

async function withLake(work: (lake: Lake) => Promise<void>): Promise<void> {
  await dropLive(serving);
  const lake = await openLake({ serving });
  try {
    await work(lake);
  } finally {
    await lake.close();
  }
}

describe('verify', () => {
  it('is green, also when it recounts, after a bad day', () =>
    withLake(async (lake) => {
      await badDay(lake);
      const report = await verify(lake.context, { deep: true });
      expect(red(report), JSON.stringify(report.checks, null, 1)).toEqual([]);
      expect(report.ok).toBe(true);
      expect(report.checks.filter(({ status }) => status === 'skipped')).toEqual([]);
    }));

  it('has nothing to compare before anything ran', () =>
    withLake(async (lake) => {
      const report = await verify(lake.context, { deep: true });
      expect(report.ok).toBe(true);
      expect(new Set(report.checks.map(({ status }) => status))).toEqual(new Set(['skipped']));
    }));

  it('takes no lag for an error: each step may be as far behind as it likes', () =>
    withLake(async (lake) => {
      const more = (n: number) =>
        landed([event(n), event(n + 1), event(1), event(n, { source: 'fridge' }), '{'])(lake);
      const green = async (when: string) => {
        const report = await verify(lake.context, { deep: true });
        expect(red(report), `${when}: ${JSON.stringify(report.checks, null, 1)}`).toEqual([]);
      };
      await more(1);
      await green('only landed');
      await toLive(lake);
      await green('live before silver');
      await toSilver(lake);
      await green('before gold');
      await toGold(lake);
      await lake.append(records([event(50), event(51), event(1)]));
      await toLive(lake);
      await green('live before landing');
      await more(60);
      await more(70);
      await toSilver(lake);
      await green('live behind silver');
      await more(80);
      await toGold(lake);
      await more(90);
      await toLive(lake);
      await green('silver behind live');
    }));
});

describe('verify is red, with and without recounting, when a row is gone from', () => {
  let lake: Lake;
  beforeAll(async () => {
    await dropLive(serving);
    lake = await openLake({ serving });
    await badDay(lake);
  });
  afterAll(async () => {
    expect(red(await verify(lake.context, { deep: true }))).toEqual([]);
    await lake.close();
  });

  async function isRed(): Promise<void> {
    const report = await verify(lake.context);
    expect(report.ok, JSON.stringify(report.checks, null, 1)).toBe(false);
    expect((await verify(lake.context, { deep: true })).ok).toBe(false);
  }

  it.each(deltaTables(pipeline).map(({ name }) => name))('%s', async (name) => {
    const table = await openTable(lake.context.store, name.replace('.', '/'));
    const { version } = await table.snapshot();
    await deleteRow(lake, name);
    await isRed();
    await table.restore({ version });
  });

  it('nothing, but a count moved to the minute after', async () => {
    const table = 'realtime.events_per_minute';
    const rows = await serving.query<Row>(`SELECT * FROM ${table}`);
    const moved = rows.findIndex(({ event_type }) => event_type === 'click');
    const later = (time: unknown) => new Date(Date.parse(`${time}Z`) + 60_000).toISOString().slice(0, 19);
    await serving.publish(
      table,
      rows.map((row, i) =>
        i === moved
          ? { ...row, window_start: later(row.window_start), window_end: later(row.window_end) }
          : row,
      ),
    );
    await isRed();
    await serving.publish(table, rows);
  });

  it.each([...liveTables(pipeline), ...servingTables(pipeline)])('$name', async ({ name }) => {
    const rows = await serving.query<Row>(`SELECT * FROM ${name}`);
    await serving.publish(name, rows.slice(1));
    await isRed();
    await serving.publish(name, rows);
  });
});

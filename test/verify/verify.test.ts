import { describe, expect, it } from 'vitest';
import type { Row } from '../../packages/eventlake/src/serving/serving.js';
import { verify } from '../../packages/eventlake/src/verify/verify.js';
import { event, records } from '../jobs/events.js';
import { landed, toGold, toSilver } from '../jobs/gold.js';
import { type Lake, openLake, servingOfFile } from '../jobs/lake.js';
import { dropLive } from '../jobs/live.js';
import { badDay, deleteRow, red, toLive } from './ledger.js';

const serving = await servingOfFile();

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

  it('is red, with and without recounting, when a row is gone: of a Delta table, and of ClickHouse', () =>
    withLake(async (lake) => {
      await badDay(lake);
      await deleteRow(lake, 'silver.user_events');
      const live = await serving.query<Row>('SELECT * FROM realtime.events_per_minute');
      await serving.publish('realtime.events_per_minute', live.slice(1));
      for (const deep of [false, true]) {
        const checks = new Set(red(await verify(lake.context, { deep })));
        expect([...checks].some((check) => check.includes('silver'))).toBe(true);
        expect([...checks].some((check) => check.includes('realtime'))).toBe(true);
      }
    }));
});

import { setTimeout as sleep } from 'node:timers/promises';
import { openTable } from '@eventlake/delta';
import userEvents from '@eventlake/user-events';
import { defineEvent, definePipeline, type FieldDefinition, long, text } from 'eventlake';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { bronzeToSilver } from '../../packages/eventlake/src/jobs/bronze-to-silver.js';
import { fastAgg } from '../../packages/eventlake/src/jobs/fast-agg.js';
import type { JobContext } from '../../packages/eventlake/src/jobs/job.js';
import { runJob } from '../../packages/eventlake/src/jobs/loop.js';
import { rawLanding } from '../../packages/eventlake/src/jobs/raw-landing.js';
import { silverToGold } from '../../packages/eventlake/src/jobs/silver-to-gold.js';
import { applyMigration, planMigration } from '../../packages/eventlake/src/migrate.js';
import type { PipelineDefinition } from '../../packages/eventlake/src/schema/definition.js';
import { verify } from '../../packages/eventlake/src/verify/verify.js';
import { event, records } from '../jobs/events.js';
import { type Lake, NOON_MS, openLake, openServing } from '../jobs/lake.js';
import { dropLive } from '../jobs/live.js';

let opened: Awaited<ReturnType<typeof openServing>>;
beforeAll(async () => {
  opened = await openServing();
});
afterAll(() => opened?.close());
beforeEach(async () => {
  await dropLive(opened.serving);
  for (const { serve } of userEvents.gold) {
    if (serve) await opened.serving.query(`DROP TABLE IF EXISTS ${serve.name} SYNC`);
  }
});

async function withLake(work: (lake: Lake) => Promise<void>): Promise<void> {
  const lake = await openLake({ serving: opened.serving, partitions: 1 });
  lake.clock.ms = NOON_MS + 3_600_000;
  try {
    await work(lake);
  } finally {
    await lake.close();
  }
}

/** The pipeline with other fields; gold's columns of that name follow. */
function withFields(fields: Record<string, FieldDefinition>, gold = userEvents.gold): PipelineDefinition {
  const { event } = userEvents;
  return definePipeline({
    ...userEvents,
    event: defineEvent({ ...event, fields: { ...event.fields, ...fields } }),
    gold,
  });
}

const withCampaign = withFields({ campaign: text().optional() });
const withLongUsers = withFields(
  { user_id: long().optional() },
  userEvents.gold.map((table) => ({
    ...table,
    columns: table.columns.map((column) =>
      column.name === 'user_id' ? { ...column, type: 'long' as const } : column,
    ),
  })),
);
const withTextUsers = withFields({ user_id: text().optional() });

const once = { intervalMs: 1, once: true };
const declared = (lake: Lake, pipeline: PipelineDefinition): JobContext => ({ ...lake.context, pipeline });

async function runAll(context: JobContext): Promise<void> {
  for (const make of [rawLanding, bronzeToSilver, silverToGold, fastAgg]) {
    await runJob(make(context), context, once);
  }
}

async function silver(lake: Lake, columns: string): Promise<unknown[]> {
  const session = await lake.context.engine.open();
  try {
    await session.readTable('rows', 'silver.user_events');
    return await session.query(`SELECT ${columns} FROM rows ORDER BY log_offset`);
  } finally {
    await session.close();
  }
}

describe('a changed declaration', { timeout: 180_000 }, () => {
  test('has no plan where nothing has changed', () =>
    withLake(async (lake) => {
      await lake.append(records([event(0), event(1)]));
      await runAll(lake.context);
      const changes = await planMigration(lake.context);
      expect(changes.filter(({ table }) => !table.startsWith('realtime.pipeline_'))).toEqual([]);
    }));

  test('with a new field adds columns; rows that were there have null, and old jobs go on meanwhile', () =>
    withLake(async (lake) => {
      const next = declared(lake, withCampaign);
      await lake.append(records([event(0)]));
      await runAll(lake.context);
      const changes = (await planMigration(next)).filter(({ change }) => change === 'add column');
      expect(changes.map(({ table, column, to }) => `${table} ${column} ${to}`)).toEqual([
        'bronze.user_events campaign string',
        'silver.user_events campaign string',
        'silver.user_events_duplicates campaign string',
        'silver.user_events_quarantine campaign string',
      ]);
      await applyMigration(next, { drops: false });
      expect(await planMigration(next)).toEqual([]);

      await lake.append(records([event(1)]));
      await runAll(lake.context);
      const [told] = records([event(2)]);
      await lake.append([{ ...told!, value: JSON.stringify({ ...event(2), campaign: 'spring' }) }]);
      await runAll(next);
      expect(await silver(lake, 'campaign')).toEqual([
        { campaign: null },
        { campaign: null },
        { campaign: 'spring' },
      ]);
      expect((await verify(next)).checks.filter(({ status }) => status !== 'ok')).toEqual([]);
    }));

  test('is applied while jobs of the old one are in the middle of it, and no event is lost or doubled', () =>
    withLake(async (lake) => {
      const stop = new AbortController();
      const running: JobContext = { ...lake.context, signal: stop.signal };
      const jobs = [rawLanding, bronzeToSilver, fastAgg].map((make) =>
        runJob(make(running), running, { intervalMs: 100 }),
      );
      const ended = Promise.all(jobs);
      onTestFinished(() => stop.abort());
      let n = 0;
      const append = async (until: number) => {
        while (n < until) {
          await lake.append(records([event(n++)]));
          await sleep(20);
        }
      };
      await append(20);
      await expect
        .poll(() => lake.context.engine.tableState('silver.user_events').catch(() => ({ recordCount: 0 })))
        .toMatchObject({ recordCount: expect.toSatisfy((count: number) => count > 0) });
      const appending = append(60);
      await applyMigration(declared(lake, withCampaign), { drops: false });
      await appending;
      stop.abort();
      await ended;
      await runAll(declared(lake, withCampaign));
      expect(await silver(lake, 'event_id')).toHaveLength(60);
      const { checks } = await verify(declared(lake, withCampaign));
      expect(checks.filter(({ status }) => status !== 'ok')).toEqual([]);
    }));

  test('with a wider type is refused by a start, done by apply, and then takes what is wider', () =>
    withLake(async (lake) => {
      const next = declared(lake, withLongUsers);
      await lake.append(records([event(1)]));
      await runAll(lake.context);
      const widened = (await planMigration(next)).filter(({ change }) => change === 'widen column');
      expect(widened.map(({ table, by }) => `${table} ${by}`)).toContain('silver.user_events apply');
      await expect(runAll(next)).rejects.toMatchObject({
        kind: 'invalid',
        hint: expect.stringContaining('apply'),
      });

      await applyMigration(next, { drops: false });
      expect(await planMigration(next)).toEqual([]);
      await lake.append(records([event(2, { user_id: 5_000_000_000 })]));
      await runAll(next);
      expect(await silver(lake, 'user_id')).toEqual([{ user_id: 1 }, { user_id: 5_000_000_000 }]);

      expect((await verify(next)).checks.filter(({ status }) => status !== 'ok')).toEqual([]);
    }));

  test('that cannot be is said, and nothing at all is changed', () =>
    withLake(async (lake) => {
      const next = declared(lake, withTextUsers);
      await lake.append(records([event(1)]));
      await runAll(lake.context);
      const never = (await planMigration(next)).filter(({ by }) => by === 'hand');
      expect(never).toContainEqual({
        in: 'delta',
        table: 'silver.user_events',
        change: 'incompatible',
        column: 'user_id',
        from: 'integer',
        to: 'string',
        by: 'hand',
        why: expect.any(String),
      });
      const { version } = await openTable(lake.context.store, 'silver/user_events').then((t) => t.snapshot());
      await expect(applyMigration(next, { drops: true })).rejects.toMatchObject({ kind: 'invalid' });
      await expect(runAll(next)).rejects.toMatchObject({ kind: 'invalid' });
      const after = await openTable(lake.context.store, 'silver/user_events').then((t) => t.snapshot());
      expect(after.version).toBe(version);
    }));

  test('with a new rollup says that it begins empty, and how it is filled', () =>
    withLake(async (lake) => {
      const rollup = userEvents.gold.find(({ name }) => name === 'rollup.day_source_types')!;
      const next = declared(lake, withFields({}, [...userEvents.gold, { ...rollup, name: 'rollup.again' }]));
      await lake.append(records([event(0), event(1)]));
      await runAll(lake.context);
      const changes = (await planMigration(next)).filter(({ table }) => table === 'rollup.again');
      expect(changes).toMatchObject([
        { change: 'create table', why: expect.stringContaining('--full-refresh') },
      ]);
      await runJob(silverToGold(next, { fullRefresh: true }), next, once);
      const { recordCount } = await next.engine.tableState('rollup.again');
      expect(recordCount).toBe((await next.engine.tableState(rollup.name)).recordCount);
      expect((await verify(next)).checks.filter(({ status }) => status !== 'ok')).toEqual([]);
    }));

  test('with a new set says that gold is made anew, and so it is', () =>
    withLake(async (lake) => {
      const set = userEvents.gold.find(({ grows }) => grows === 'set')!;
      const next = declared(lake, withFields({}, [...userEvents.gold, { ...set, name: 'rollup.again' }]));
      await lake.append(records([event(0), event(1)]));
      await runAll(lake.context);
      const changes = (await planMigration(next)).filter(({ table }) => table === 'rollup.again');
      expect(changes).toMatchObject([{ change: 'create table', why: expect.stringContaining('anew') }]);
      await runJob(silverToGold(next), next, once);
      const { recordCount } = await next.engine.tableState('rollup.again');
      expect(recordCount).toBe((await next.engine.tableState(set.name)).recordCount);
      expect((await verify(next)).checks.filter(({ status }) => status !== 'ok')).toEqual([]);
    }));

  test('without a field that was there keeps its column, and what is in it', () =>
    withLake(async (lake) => {
      const [told] = records([event(0)]);
      await lake.append([{ ...told!, value: JSON.stringify({ ...event(0), campaign: 'spring' }) }]);
      await runAll(declared(lake, withCampaign));
      const changes = await planMigration(lake.context);
      expect(changes).toContainEqual(
        expect.objectContaining({ table: 'silver.user_events', change: 'undeclared column', by: 'nobody' }),
      );
      await applyMigration(lake.context, { drops: true });
      await lake.append(records([event(1)]));
      await runAll(lake.context);
      expect(await silver(lake, 'campaign')).toEqual([{ campaign: 'spring' }, { campaign: null }]);
      expect((await verify(lake.context)).checks.filter(({ status }) => status !== 'ok')).toEqual([]);
    }));
});

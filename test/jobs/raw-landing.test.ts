import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { localStore } from '@eventlake/delta';
import pipeline from '@eventlake/user-events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openPlanStore } from '../../packages/eventlake/src/batch/plan-store.js';
import { openDuckDbEngine } from '../../packages/eventlake/src/engine/duckdb/engine.js';
import type { LandingInput } from '../../packages/eventlake/src/jobs/raw-landing.js';
import { rawLanding } from '../../packages/eventlake/src/jobs/raw-landing.js';
import { Crash, type Lake, NOON_MS, openLake } from './lake.js';

const { topic } = pipeline.event;
const bronze = 'bronze.user_events';
const quarantine = 'bronze.user_events_quarantine';

let lake: Lake;
beforeEach(async () => {
  lake = await openLake({ partitions: 3 });
});
afterEach(() => lake.close());

const event = (n: number) => ({
  key: `k${n}`,
  value: `{"event_id":"00000000-0000-4000-8000-${String(n).padStart(12, '0')}","user_id":${n},"event_type":"click","page":"/","timestamp":"2025-03-10T11:00:00.000000+00:00","source":"web"}`,
});
const events = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => event(from + i));
const broken = (n: number) => ({ key: `k${n}`, value: `{"broken":${n}` });

async function landAll(job = rawLanding(lake.context)) {
  await job.recover();
  const reports = [];
  for (let report = await job.runBatch(); report; report = await job.runBatch()) reports.push(report);
  return reports;
}

async function rows(table: string, columns: string): Promise<Record<string, unknown>[]> {
  const session = await lake.context.engine.open();
  try {
    await session.readTable('landed', table);
    return await session.query(`SELECT ${columns} FROM landed ORDER BY log_batch, log_partition, log_offset`);
  } finally {
    await session.close();
  }
}

/** What the tables hold, but for when it was ingested. */
async function contents() {
  const place = 'log_batch, log_partition, log_offset';
  return {
    bronze: await rows(bronze, `event_id, user_id, ${place}, rescued`),
    quarantine: await rows(quarantine, `raw, reason, ${place}`),
  };
}

const plans = () => openPlanStore<LandingInput>(lake.context.store, 'raw-landing', topic);

describe('landing', () => {
  test('every record is in bronze or in quarantine, with its place in the log', async () => {
    await lake.append([...events(0, 500), broken(1), { key: 'x', value: null }, { key: 'y', value: '' }]);
    const reports = await landAll();
    expect(reports).toMatchObject([{ batch: 1, rowsIn: 503, rowsOut: 500, more: false }]);
    const landed = await contents();
    expect(landed.bronze.map((row) => row.user_id).sort()).toEqual(
      events(0, 500)
        .map((_, i) => String(i))
        .sort(),
    );
    expect(landed.quarantine.map((row) => row.reason).sort()).toEqual(['empty', 'invalid JSON', 'tombstone']);
    const { partitions } = await lake.context.log.topic(topic);
    const places = [...landed.bronze, ...landed.quarantine].map(
      (row) => `${row.log_partition}/${row.log_offset}`,
    );
    expect(places.sort()).toEqual(
      partitions
        .flatMap(({ partition, endOffset }) =>
          Array.from({ length: endOffset }, (_, i) => `${partition}/${i}`),
        )
        .sort(),
    );
  });

  test('fields are strings as they came; times are the plan’s and the log’s', async () => {
    await lake.append([{ key: 'k', value: '{"user_id":1.50,"page":"x","more":[1,2]}' }]);
    lake.clock.ms = NOON_MS + 250;
    await landAll();
    expect(await rows(bronze, '*')).toEqual([
      {
        event_id: null,
        user_id: '1.50',
        event_type: null,
        page: 'x',
        timestamp: null,
        source: null,
        ingestion_timestamp: '2025-03-10T12:00:00.250000Z',
        log_batch: 1,
        log_partition: expect.any(Number),
        log_offset: 0,
        rescued: '{"more":[1,2]}',
        log_timestamp: '2025-03-10T12:00:00.000000Z',
      },
    ]);
  });

  test('nothing new, no batch', async () => {
    expect(await landAll()).toEqual([]);
    await lake.append(events(0, 3));
    const job = rawLanding(lake.context);
    expect(await landAll(job)).toHaveLength(1);
    expect(await job.runBatch()).toBeUndefined();
    expect((await lake.context.engine.tableState(bronze)).version).toBe(1);
  });

  test('a batch without a bad record makes no commit to the quarantine', async () => {
    await lake.append(events(0, 3));
    await landAll();
    expect((await lake.context.engine.tableState(quarantine)).version).toBe(0);
  });

  test('a batch of bad records alone moves the position too', async () => {
    await lake.append([broken(1), broken(2)]);
    expect(await landAll()).toMatchObject([{ rowsIn: 2, rowsOut: 0 }]);
    expect(await landAll()).toEqual([]);
    expect(await rows(quarantine, 'reason')).toHaveLength(2);
  });

  test('a backlog becomes batches of about the bytes allowed, none of them out of order', async () => {
    lake.context.settings.rawLanding.commitBytesMax = 20_000;
    await lake.append(events(0, 1000));
    const reports = await landAll();
    expect(reports.length).toBeGreaterThanOrEqual(7);
    expect(reports.map(({ batch }) => batch)).toEqual(reports.map((_, i) => i + 1));
    expect(reports.map(({ more }) => more)).toEqual(reports.map((_, i) => i < reports.length - 1));
    expect(Math.max(...reports.map(({ rowsIn }) => rowsIn))).toBeLessThanOrEqual(150);
    const landed = (await contents()).bronze;
    expect(landed).toHaveLength(1000);
    for (const partition of [0, 1, 2]) {
      const offsets = landed.filter((row) => row.log_partition === partition).map((row) => row.log_offset);
      expect(offsets).toEqual(offsets.map((_, i) => i));
    }
  });

  test('records of which few are long are still bounded', async () => {
    lake.context.settings.rawLanding.commitBytesMax = 1_000_000;
    await lake.append(events(0, 100));
    const job = rawLanding(lake.context);
    await landAll(job);
    await lake.append(
      Array.from({ length: 40 }, () => ({ key: 'k', value: `{"page":"${'x'.repeat(200_000)}"}` })),
    );
    const reports = [];
    for (let report = await job.runBatch(); report; report = await job.runBatch())
      reports.push(report.rowsIn);
    expect(Math.max(...reports)).toBeLessThanOrEqual(6);
  });
});

describe('positions', () => {
  test('the log is told how far it has come, from the first moment on', async () => {
    const job = rawLanding(lake.context);
    await job.recover();
    expect(await lake.context.log.positions('raw-landing', topic)).toEqual([0, 0, 0]);
    await lake.append(events(0, 30));
    await job.runBatch();
    const { partitions } = await lake.context.log.topic(topic);
    expect(await lake.context.log.positions('raw-landing', topic)).toEqual(
      partitions.map((p) => p.endOffset),
    );
    expect(job.position()).toEqual(partitions.map((p) => p.endOffset));
  });

  test('a start takes the position from bronze, whatever the log was told', async () => {
    await lake.append(events(0, 30));
    await landAll();
    await lake.context.log.commitPositions('raw-landing', topic, [0, 0, 0]);
    expect(await landAll()).toEqual([]);
    expect(await rows(bronze, 'event_id')).toHaveLength(30);
  });

  test('a new lake gets all that the log has, though the log knows how far another one had come', async () => {
    await lake.append(events(0, 30));
    await landAll();
    const { log, settings } = lake.context;
    const store = localStore(join(settings.dataDir, 'another'));
    const engine = await openDuckDbEngine({
      store,
      log,
      dataDir: settings.dataDir,
      memoryMb: 384,
      threads: 2,
    });
    try {
      const reports = await landAll(rawLanding({ ...lake.context, store, engine }));
      expect(reports).toMatchObject([{ batch: 1, rowsIn: 30, rowsOut: 30 }]);
    } finally {
      await engine.close();
    }
  });
});

describe('exactly once', () => {
  const steps = [
    'raw-landing:before-plan',
    'raw-landing:after-plan',
    'raw-landing:after-prepare',
    'raw-landing:after-quarantine-commit',
    'raw-landing:after-gaps-commit',
    'raw-landing:after-commit',
    'raw-landing:after-position',
  ];

  test.each(steps)('a crash at %s loses and repeats nothing', async (step) => {
    await lake.append([...events(0, 40), broken(1)]);
    await landAll();
    lake.crash.at = step;
    await lake.append([...events(40, 90), broken(2), broken(3)]);
    await expect(landAll()).rejects.toThrow(Crash);
    await lake.append([...events(90, 100), broken(4)]);
    await landAll();
    const landed = await contents();
    expect(landed.bronze.map((row) => Number(row.user_id)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 100 }, (_, i) => i),
    );
    expect(landed.quarantine).toHaveLength(4);
  });

  test('a replayed batch is the same batch: its plan decides, not what the log holds by now', async () => {
    await lake.append(events(0, 10));
    lake.crash.at = 'raw-landing:after-prepare';
    await expect(landAll()).rejects.toThrow(Crash);
    await lake.append(events(10, 20));
    lake.clock.ms += 60_000;
    await landAll();
    const landed = await rows(bronze, 'user_id, log_batch, ingestion_timestamp');
    expect(
      landed
        .filter((row) => row.log_batch === 1)
        .map((row) => Number(row.user_id))
        .sort((a, b) => a - b),
    ).toEqual(Array.from({ length: 10 }, (_, i) => i));
    expect(landed[0]!.ingestion_timestamp).toBe('2025-03-10T12:00:00.000000Z');
    expect(landed.at(-1)).toMatchObject({ log_batch: 2, ingestion_timestamp: '2025-03-10T12:01:00.000000Z' });
  });

  test('of two instances that plan the same batch one is fenced, and nothing is landed twice', async () => {
    const [one, two] = [
      rawLanding(lake.context),
      rawLanding({ ...lake.context, now: () => lake.clock.ms + 1 }),
    ];
    await one.recover();
    await two.recover();
    await lake.append(events(0, 50));
    const results = await Promise.allSettled([one.runBatch(), two.runBatch()]);
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused.map(({ reason }) => reason.kind)).toEqual(['fenced']);
    await landAll();
    expect(await rows(bronze, 'event_id')).toHaveLength(50);
  });

  test('an instance that slept is fenced, also when its plan has been made and forgotten by another', async () => {
    const sleeper = rawLanding(lake.context);
    await sleeper.recover();
    for (let i = 0; i < 3; i++) {
      await lake.append(events(i * 10, i * 10 + 10));
      await landAll();
    }
    await plans().forget(3);
    await lake.append(events(30, 40));
    await expect(sleeper.runBatch()).rejects.toMatchObject({ kind: 'fenced' });
    await landAll();
    expect(await rows(bronze, 'event_id')).toHaveLength(40);
  });

  test('stopped between computing and committing, the next start goes on', async () => {
    const stop = new AbortController();
    const job = rawLanding({
      ...lake.context,
      signal: stop.signal,
      crashPoint: (name) => name === 'raw-landing:after-prepare' && stop.abort(),
    });
    await lake.append(events(0, 10));
    await job.recover();
    await expect(job.runBatch()).rejects.toMatchObject({ name: 'AbortError' });
    await landAll();
    expect(await rows(bronze, 'event_id')).toHaveLength(10);
  });
});

test('small files are put together by and by, and nothing changes but their number', async () => {
  lake.context.settings.maintenance.compactAfterFiles = 5;
  const job = rawLanding(lake.context);
  await job.recover();
  for (let i = 0; i < 23; i++) {
    await lake.append([...events(i * 3, i * 3 + 3), broken(i)]);
    await job.runBatch();
    await job.maintain();
  }
  expect((await lake.context.engine.tableState(bronze)).fileCount).toBeLessThan(5);
  expect((await lake.context.engine.tableState(quarantine)).fileCount).toBeLessThan(5);
  const landed = await contents();
  expect(landed.bronze.map((row) => Number(row.user_id)).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 69 }, (_, i) => i),
  );
  expect(landed.quarantine).toHaveLength(23);
  expect(await landAll()).toEqual([]);
});

test('what is landed and old leaves the log; what is not landed stays, however old', async () => {
  const { log } = lake.context;
  await log.createTopic(topic, { partitions: 3, retentionHours: 1 });
  await lake.append(events(0, 10));
  const job = rawLanding(lake.context);
  await landAll(job);
  await lake.append(events(10, 15));
  lake.clock.ms += 2 * 3_600_000;
  await job.maintain();
  const { partitions } = await log.topic(topic);
  const kept = partitions.reduce((sum, { startOffset, endOffset }) => sum + endOffset - startOffset, 0);
  expect(kept).toBe(5);
  expect(await landAll()).toMatchObject([{ rowsIn: 5 }]);
});

describe('what must not pass in silence', () => {
  test('a topic that was made anew', async () => {
    await lake.append(events(0, 10));
    await landAll();
    const { log } = lake.context;
    await log.deleteTopic(topic);
    await log.createTopic(topic, { partitions: 3 });
    await expect(landAll()).rejects.toMatchObject({ kind: 'data-loss', where: { topic } });
  });

  test('records that retention took before they were landed: how many, and of which partition', async () => {
    const { log } = lake.context;
    await landAll();
    await log.createTopic(topic, { partitions: 3, retentionBytesMax: 1 });
    await lake.append(Array.from({ length: 10 }, (_, i) => ({ ...event(i), key: 'same' })));
    await sleep(2);
    const { removedRecords } = await log.enforceRetention(topic, { force: true });
    expect(removedRecords).toBe(10);
    await lake.append([{ ...event(11), key: 'same' }]);
    await expect(landAll()).rejects.toMatchObject({
      kind: 'data-loss',
      message: expect.stringContaining('10 records'),
      where: { topic, partition: expect.any(Number) },
    });
  });

  test('checkpoints that are gone while bronze is there', async () => {
    await lake.append(events(0, 10));
    await landAll();
    await plans().forget(99);
    await expect(landAll()).rejects.toMatchObject({ kind: 'corrupt' });
  });
});

import { openTable } from '@eventlake/delta';
import { fastAgg } from '../../packages/eventlake/src/jobs/fast-agg.js';
import { runJob } from '../../packages/eventlake/src/jobs/loop.js';

import type { VerifyReport } from '../../packages/eventlake/src/verify/verify.js';
import { event, records, type ShopEvent } from '../jobs/events.js';
import { landed, toGold, toSilver } from '../jobs/gold.js';
import type { Lake } from '../jobs/lake.js';

/** A day with everything in it, in three batches of each step; before the last, records are gone unread. */
export async function badDay(lake: Lake): Promise<void> {
  lake.context.settings.onDataLoss = 'continue';
  for (const n of [0, 1, 2]) {
    if (n === 2)
      await loseRecords(
        lake,
        [700, 701, 702, 703].map((at) => event(at)),
      );
    await landed(eventsOf(n))(lake);
    await toSilver(lake);
    await toGold(lake);
    await toLive(lake);
  }
}

/** Appends records that retention takes before anybody has read them. */
export async function loseRecords(lake: Lake, events: readonly (ShopEvent | string)[]): Promise<void> {
  const { log, pipeline } = lake.context;
  const { topic } = pipeline.event;
  await lake.append(records(events));
  const { partitions } = await log.topic(topic);
  await log.createTopic(topic, { partitions: partitions.length, retentionBytesMax: 1 });
  await log.enforceRetention(topic, { force: true });
  await log.createTopic(topic, { partitions: partitions.length, retentionBytesMax: 2 ** 40 });
}

export const toLive = (lake: Lake) =>
  runJob(fastAgg(lake.context), lake.context, { intervalMs: 1, once: true });

function eventsOf(n: number): (ShopEvent | string)[] {
  const fresh = Array.from({ length: 20 }, (_, i) => event(n * 200 + i * 11));
  return [
    ...fresh,
    event(0),
    event(n * 200, { timestamp: '2025-02-01T10:00:00Z' }),
    event(900 + n, { timestamp: '2025-03-10T11:30:00Z' }),
    event(950 + n, { timestamp: '2026-03-10T11:30:00Z' }),
    event(960 + n, { source: 'fridge' }),
    event(970 + n, { user_id: null, page: null }),
    '{"broken"',
    '[]',
  ];
}

export const red = (report: VerifyReport) =>
  report.checks.filter(({ status }) => status === 'mismatch').map(({ check }) => check);

/** Takes one row out of a Delta table, as somebody would by hand: a new version without it. */
export async function deleteRow({ context }: Lake, table: string): Promise<void> {
  const { engine, store } = context;
  const session = await engine.open();
  try {
    const opened = await openTable(store, table.replace('.', '/'));
    const { schema } = await opened.snapshot();
    const columns = schema.fields.map(({ name }) => name).join(', ');
    await session.readTable('all_rows', table);
    await session.define(
      'others',
      `SELECT ${columns} FROM (SELECT *, row_number() OVER (ORDER BY ${columns}) AS nth FROM all_rows) AS numbered WHERE nth <> 2`,
    );
    const write = await session.prepare(table, 'SELECT * FROM others');
    await session.commit(write, { appId: 'by hand', version: Date.now() }, 'overwrite');
  } finally {
    await session.close();
  }
}

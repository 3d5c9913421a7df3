import { openTable } from '@eventlake/delta';
import pipeline from '@eventlake/user-events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deltaTables, liveTables, servingTables } from '../../packages/eventlake/src/schema/tables.js';
import type { Row, Serving } from '../../packages/eventlake/src/serving/serving.js';
import { verify } from '../../packages/eventlake/src/verify/verify.js';
import { type Lake, openLake, openServing } from '../jobs/lake.js';
import { badDay, deleteRow, red } from './ledger.js';

let serving: Serving;
let closeServing: () => Promise<void>;
let lake: Lake;
beforeAll(async () => {
  ({ serving, close: closeServing } = await openServing());
  lake = await openLake({ serving });
  await badDay(lake);
});
afterAll(async () => {
  expect(red(await verify(lake.context, { deep: true }))).toEqual([]);
  await lake.close();
  await closeServing();
});

describe('verify is red, with and without recounting, when a row is gone from', () => {
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

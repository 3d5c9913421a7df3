import { EventlakeError } from '../errors.js';
import { liveTables } from '../schema/tables.js';
import type { JobContext } from './job.js';

/**
 * A lake that has counted nothing yet begins with empty live tables. What another one has counted there, on a ClickHouse
 * server that outlived its lake, would be added to; and its insert tokens would swallow the first batches.
 * @throws EventlakeError `invalid`
 */
export async function refuseForeignCounts({ pipeline, serving }: JobContext): Promise<void> {
  const clickhouse = await serving();
  for (const { name } of liveTables(pipeline)) {
    const [row] = await clickhouse.query<{ filled: number }>(`SELECT count() > 0 AS filled FROM ${name}`);
    if (!row?.filled) continue;
    throw new EventlakeError(
      'invalid',
      `${name} holds what another lake has counted, and this one has counted nothing yet`,
      { table: name, url: clickhouse.url, job: 'fast-agg' },
      'Drop the tables of `realtime` there, if their lake is gone, or name another server.',
    );
  }
}

import { EventlakeError } from '../errors.js';
import { liveTables } from '../schema/tables.js';
import type { JobContext } from './job.js';

/**
 * A lake that has counted nothing yet begins with empty live tables. What another one has counted there, on a ClickHouse
 * server that outlived its lake, would be added to; and its insert tokens would swallow the first batches.
 */
export async function filledLiveTable({ pipeline, serving }: JobContext): Promise<string | undefined> {
  const clickhouse = await serving();
  for (const { name } of liveTables(pipeline)) {
    const [row] = await clickhouse.query<{ filled: number }>(`SELECT count() > 0 AS filled FROM ${name}`);
    if (row?.filled) return name;
  }
  return undefined;
}

export function foreignCounts(table: string, url: string): EventlakeError {
  return new EventlakeError(
    'invalid',
    `${table} holds what another lake has counted, and this one has counted nothing yet`,
    { table, url, job: 'fast-agg' },
    'Drop the tables of `realtime` there, if their lake is gone, or name another server.',
  );
}

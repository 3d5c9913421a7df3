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

/** Whatever was counted, gone, with the insert tokens of it. */
export async function truncateLiveTables({ pipeline, serving }: JobContext): Promise<void> {
  const clickhouse = await serving();
  for (const { name } of liveTables(pipeline)) await clickhouse.query(`TRUNCATE TABLE ${name}`);
}

/**
 * Uses a batch's token up, by a row that counts nothing and is deleted at once: an insert of that batch that is still
 * under way changes nothing when it arrives, however late. A token goes with its part, and so stays while the part does.
 */
export async function useUp({ pipeline, serving }: JobContext, token: string): Promise<void> {
  const clickhouse = await serving();
  const { tables, late } = pipeline.live;
  for (const { name, count } of [...tables, late]) {
    await clickhouse.insert(name, [{ window_start: 0, window_end: 0, [count]: 0 }], token);
    // As `DELETE` does it; that statement is not taken where an answer is expected.
    await clickhouse.query(
      `ALTER TABLE ${name} UPDATE _row_exists = 0 WHERE ${count} = 0 SETTINGS mutations_sync = 1`,
    );
  }
}

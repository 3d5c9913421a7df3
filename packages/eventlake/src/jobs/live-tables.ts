import { EventlakeError } from '../errors.js';
import type { PipelineDefinition } from '../schema/definition.js';
import { textLiteral } from '../schema/macros.js';
import type { LiveIncrement } from '../schema/sql.js';
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

/** Live table → the sum of its counts. */
export type LiveSums = Readonly<Record<string, number>>;

/** What each live table adds up to now. */
export async function liveSums({ pipeline, serving }: JobContext): Promise<LiveSums> {
  const { tables, late } = pipeline.live;
  const sums = [...tables, late].map(
    ({ name, count }) => `SELECT ${textLiteral(name)} AS live_table, sum(${count}) AS total FROM ${name}`,
  );
  const rows = await (await serving()).query<{ live_table: string; total: number }>(sums.join(' UNION ALL '));
  return Object.fromEntries(rows.map(({ live_table, total }) => [live_table, total]));
}

/** What increments add to each live table. */
export function sumsOf({ live }: PipelineDefinition, increments: readonly LiveIncrement[]): LiveSums {
  const sums = Object.fromEntries([...live.tables, live.late].map(({ name }) => [name, 0]));
  for (const { live_table, event_count } of increments) sums[live_table]! += Number(event_count);
  return sums;
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

/**
 * From here on ClickHouse itself refuses batches before this one, whatever tokens it has forgotten: an instance that slept
 * between its last look at the plans and its insert, for however long, changes nothing when it wakes.
 * @param anew No batch of this number or a later one has been counted in these tables.
 */
export async function refuseEarlier(
  { pipeline, serving }: JobContext,
  batch: number,
  { anew }: { anew: boolean },
): Promise<void> {
  const clickhouse = await serving();
  const { tables, late } = pipeline.live;
  for (const { name, count } of [...tables, late]) {
    const [table] = await clickhouse.query<{ fences: string[] }>(
      `SELECT extractAll(create_table_query, 'CONSTRAINT ${FENCE}([0-9]+) ') AS fences
       FROM system.tables WHERE concat(database, '.', name) = ${textLiteral(name)}`,
    );
    // Higher than ours: another instance has gone on, and this one is fenced at its next plan.
    const passed = table!.fences.map(Number).filter((fence) => (anew ? fence !== batch : fence < batch));
    const fence = `ADD CONSTRAINT IF NOT EXISTS ${FENCE}${batch} CHECK ${count} = 0 OR ifNull(${BATCH_OF_TOKEN} >= ${batch}, 1)`;
    const drops = passed.map((old) => `DROP CONSTRAINT IF EXISTS ${FENCE}${old}`);
    await clickhouse.query(`ALTER TABLE ${name} ${[fence, ...drops].join(', ')}`);
  }
}

const FENCE = 'batches_from_';
/** Null for rows that are no batch's: put there by hand. */
const BATCH_OF_TOKEN = `toUInt64OrNull(splitByChar('/', getSetting('insert_deduplication_token'))[-1])`;

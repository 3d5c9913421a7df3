import type { Plan } from '../batch/plan.js';
import { openPlanStore } from '../batch/plan-store.js';
import type { GoldInput } from '../jobs/gold-tables.js';
import type { GoldTable } from '../schema/definition.js';
import type { Counting } from './counting.js';
import type { Positions } from './positions.js';
import { type Check, checked, skipped } from './report.js';

/** Gold in Delta = gold in ClickHouse, row by row: each mirror at the batch that it was published from. */
export async function verifyMirrors(counting: Counting, { gold }: Positions): Promise<Check[]> {
  const mirrored = counting.context.pipeline.gold.filter(({ serve }) => serve !== undefined);
  if (!gold) return mirrored.map(({ name, serve }) => skipped(`${name} → ${serve!.name}`, 'gold is empty'));
  const checks: Check[] = [];
  for (const table of mirrored) checks.push(await verifyMirror(counting, table, gold));
  return checks;
}

async function verifyMirror(counting: Counting, table: GoldTable, gold: Plan<GoldInput>): Promise<Check> {
  const { context, session } = counting;
  const mirror = table.serve!.name;
  const check = `${table.name} → ${mirror}`;
  const names = table.columns.map(({ name }) => name);
  // Each side writes a timestamp in its own way; microseconds are the same.
  const select = (micros: string) =>
    table.columns
      .map(({ name, type }) => (type === 'timestamp' ? `${micros}(${name}) AS ${name}` : name))
      .join(', ');
  const published = await (await context.serving()).query<Record<string, unknown>>(
    `SELECT ${select('toUnixTimestamp64Micro')}, toUnixTimestamp64Milli(updated_at) AS updated_ms FROM ${mirror}`,
  );
  const batch = await publishedBatch(counting, published, gold);
  const snapshot = await counting.asOf(table.name, `silver-to-gold/${context.pipeline.event.topic}`, batch);
  if (!snapshot) return skipped(check, `the version of batch ${batch} is gone: run it again`);
  const relation = counting.name('mirrored');
  await session.readTable(relation, table.name, { version: snapshot.version });
  const rows = await session.query<Record<string, unknown>>(
    `SELECT ${select('unix_micros')} FROM ${relation}`,
  );
  const apart = keysApart(rows, published, names);
  return checked(
    check,
    rows.length,
    published.length,
    apart,
    `rows in Delta = rows in ClickHouse, of batch ${batch}`,
  );
}

/**
 * The batch that the rows were published from, told by its clock: publishing follows the commit, so it may be one before,
 * and by now one after. Rows of several batches, or of none, are compared with the newest and found to differ.
 */
async function publishedBatch(
  { context }: Counting,
  published: readonly Record<string, unknown>[],
  gold: Plan<GoldInput>,
): Promise<number> {
  const times = new Set(published.map(({ updated_ms }) => Number(updated_ms)));
  const plans = openPlanStore<GoldInput>(context.store, 'silver-to-gold', context.pipeline.event.topic);
  let plan = times.size === 1 ? await plans.newest() : undefined;
  while (plan) {
    if (times.has(Date.parse(plan.plannedAt))) return plan.batch;
    plan = plan.batch > 1 ? await plans.get(plan.batch - 1).catch(() => undefined) : undefined;
  }
  return gold.batch;
}

function keysApart(
  left: readonly Record<string, unknown>[],
  right: readonly Record<string, unknown>[],
  names: readonly string[],
): number {
  const counts = new Map<string, number>();
  const add = (row: Record<string, unknown>, by: number) => {
    const key = JSON.stringify(names.map((name) => row[name]));
    counts.set(key, (counts.get(key) ?? 0) + by);
  };
  for (const row of left) add(row, 1);
  for (const row of right) add(row, -1);
  return [...counts.values()].reduce((sum, count) => sum + Math.abs(count), 0);
}

import type { Plan } from '../batch/plan.js';
import { openPlanStore } from '../batch/plan-store.js';
import type { GoldInput } from '../jobs/gold-tables.js';
import { type Mirror, mirroredRows, mirrorOf, rowsApart } from '../jobs/mirrors.js';
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
  const check = `${table.name} → ${table.serve!.name}`;
  const published = await mirrorOf(await context.serving(), table);
  const batch = await publishedBatch(counting, published, gold);
  const snapshot = await counting.asOf(table.name, `silver-to-gold/${context.pipeline.event.topic}`, batch);
  if (!snapshot) return skipped(check, `the version of batch ${batch} is gone: run it again`);
  const relation = counting.name('mirrored');
  await session.readTable(relation, table.name, { version: snapshot.version });
  const rows = await mirroredRows(session, relation, table);
  return checked(
    check,
    rows.length,
    published.rows.length,
    rowsApart(rows, published.rows, table),
    `rows in Delta = rows in ClickHouse, of batch ${batch}`,
  );
}

/**
 * The batch that the rows were published from, told by its clock: publishing follows the commit, so it may be one before,
 * and by now one after. Rows of several batches, or of none, are compared with the newest and found to differ.
 */
async function publishedBatch(
  { context }: Counting,
  { updatedMs: times }: Mirror,
  gold: Plan<GoldInput>,
): Promise<number> {
  const plans = openPlanStore<GoldInput>(context.store, 'silver-to-gold', context.pipeline.event.topic);
  let plan = times.size === 1 ? await plans.newest() : undefined;
  while (plan) {
    if (times.has(Date.parse(plan.plannedAt))) return plan.batch;
    plan = plan.batch > 1 ? await plans.get(plan.batch - 1).catch(() => undefined) : undefined;
  }
  return gold.batch;
}

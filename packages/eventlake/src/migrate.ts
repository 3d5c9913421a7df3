import { openTable } from '@eventlake/delta';
import { growDeltaTable, planDeltaTable, refuseWhatCannotBe } from './engine/delta/changes.js';
import type { JobContext } from './jobs/job.js';
import type { TableChange } from './schema/changes.js';
import type { PipelineDefinition, ServingTable } from './schema/definition.js';
import { healthTables } from './schema/health.js';
import { deltaTables, liveTables, servingTables } from './schema/tables.js';

type Context = Pick<JobContext, 'pipeline' | 'store' | 'serving'>;

/** What the declaration would do to the tables that are there, Delta's first. Reads only. */
export async function planMigration({ pipeline, store, serving }: Context): Promise<TableChange[]> {
  const changes: TableChange[] = [];
  for (const table of deltaTables(pipeline)) changes.push(...(await planDeltaTable(store, table)));
  const served = await (await serving()).plan(servedBy(pipeline));
  return [...changes, ...served].map((change) => beginsLate(change, changes.concat(served), pipeline));
}

/** A table that grows by what is new holds nothing of what came before it: said, since its numbers look whole. */
function beginsLate(
  change: TableChange,
  all: readonly TableChange[],
  { gold, live }: PipelineDefinition,
): TableChange {
  if (change.change !== 'create table') return change;
  const isNew = (name: string) =>
    all.some((other) => other.change === 'create table' && other.table === name);
  const lateGold = gold.some(({ name, grows }) => name === change.table && grows !== 'replace');
  if (lateGold && !gold.every(({ name }) => isNew(name))) {
    const isHealed = gold.some(({ name, grows }) => grows === 'set' && isNew(name));
    return { ...change, why: isHealed ? MADE_ANEW : FROM_NOW_ON };
  }
  const lateLive = live.tables.some(({ name }) => name === change.table);
  if (lateLive && !live.tables.every(({ name }) => isNew(name))) {
    return { ...change, why: 'counts from now on: `eventlake verify` finds the minutes before different' };
  }
  return change;
}

const FROM_NOW_ON =
  'holds what comes from now on, until `eventlake run silver-to-gold --once --full-refresh`';
const MADE_ANEW = 'the next batch of silver-to-gold makes gold anew: a set cannot begin in the middle';

/**
 * Does what the plan says, while jobs go on. Nothing is done where a part of it cannot be. Tables that are not there yet
 * are left to their jobs in the lake, and made in ClickHouse. Safe to repeat.
 * @param options.drops Columns of ClickHouse tables that are no longer declared go, with what is in them.
 * @returns what was planned
 * @throws EventlakeError `invalid`
 */
export async function applyMigration(context: Context, options: { drops: boolean }): Promise<TableChange[]> {
  const { pipeline, store, serving } = context;
  const changes = await planMigration(context);
  refuseWhatCannotBe(changes, { widens: true });
  const inLake = new Set(
    changes.filter(({ in: place, by }) => place === 'delta' && by !== 'nobody').map(({ table }) => table),
  );
  const absent = new Set(changes.filter(({ change }) => change === 'create table').map(({ table }) => table));
  for (const definition of deltaTables(pipeline)) {
    if (!inLake.has(definition.name) || absent.has(definition.name)) continue;
    const table = await openTable(store, definition.name.replaceAll('.', '/'));
    await growDeltaTable(table, definition, { widens: true });
  }
  await (await serving()).apply(servedBy(pipeline), options);
  return changes;
}

function servedBy(pipeline: PipelineDefinition): ServingTable[] {
  return [...liveTables(pipeline), ...servingTables(pipeline), ...healthTables];
}

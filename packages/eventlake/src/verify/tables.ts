import { commitOrder } from '../jobs/gold-tables.js';
import type { GoldTable } from '../schema/definition.js';
import { bronzeTables, silverTables } from '../schema/tables.js';
import { checkOf, compareRows } from './compare.js';
import { type Counting, presentRows } from './counting.js';
import type { Positions } from './positions.js';
import { type Check, compared, skipped } from './report.js';

/** The ledger of the Delta tables: what passed one step is in the tables of the next, each side at its own position. */
export async function verifyTables(counting: Counting, positions: Positions): Promise<Check[]> {
  return [
    await logToBronze(counting, positions),
    await bronzeToSilver(counting, positions),
    ...(await silverToGold(counting, positions)),
  ];
}

async function logToBronze(counting: Counting, { landing }: Positions): Promise<Check> {
  const check = 'log → bronze';
  if (!landing) return skipped(check, 'raw-landing has landed nothing yet');
  const { events, quarantine } = bronzeTables(counting.context.pipeline.event);
  const passed = landing.input.position.reduce(
    (sum, to, partition) => sum + to - landing.input.start[partition]!,
    0,
  );
  const bronze = await counting.rowsUpTo(events.name, landing.batch);
  const broken = await counting.rowsUpTo(quarantine.name, landing.batch);
  const detail = `offsets passed = bronze ${bronze.rows} + quarantine ${broken.rows}, at batch ${landing.batch}`;
  return compared(check, passed, bronze.rows + broken.rows, detail);
}

async function bronzeToSilver(counting: Counting, { silver, landing }: Positions): Promise<Check> {
  const check = 'bronze → silver';
  if (!silver || !landing) return skipped(check, 'bronze-to-silver has committed nothing yet');
  const { event } = counting.context.pipeline;
  const { events, duplicates, quarantine } = silverTables(event);
  const upTo = silver.input.toLogBatch;
  const kept = await counting.rowsUpTo(events.name, upTo);
  const repeated = await counting.rowsUpTo(duplicates.name, upTo);
  const rejected = await counting.rowsUpTo(quarantine.name, upTo);
  const bronze = await counting.rowsUpTo(bronzeTables(event).events.name, upTo);
  const detail = `bronze = silver ${kept.rows} + duplicates ${repeated.rows} + quarantine ${rejected.rows}, up to landed batch ${upTo}`;
  return compared(check, bronze.rows, kept.rows + repeated.rows + rejected.rows, detail);
}

async function silverToGold(counting: Counting, { gold, silver }: Positions): Promise<Check[]> {
  if (!gold || !silver) return [skipped('silver → gold', 'silver-to-gold has committed nothing yet')];
  const { pipeline } = counting.context;
  const tables = commitOrder(pipeline.gold);
  const appId = `silver-to-gold/${pipeline.event.topic}`;
  const upTo = gold.input.toLogBatch;
  const events = await counting.rowsUpTo(silverTables(pipeline.event).events.name, upTo);
  const main = tables.at(-1)!;
  const checks: Check[] = [];
  // Facts are one row an event, with every field: they say how many events have a field, as statistics or as rows.
  const facts = await counting.asOf(main.name, appId, gold.batch);
  const present = async (field: string) =>
    (facts && presentRows(facts, field)) ?? (await countPresent(counting, main.name, field, facts?.version));
  for (const table of tables) {
    const snapshot = await counting.asOf(table.name, appId, gold.batch);
    if (!snapshot) {
      checks.push(
        skipped(`silver → ${table.name}`, `its version at batch ${gold.batch} is gone: run it again`),
      );
      continue;
    }
    const relation = table.name.split('.').at(-1)!;
    await counting.session.readTable(relation, table.name, { version: snapshot.version });
    if (table.grows === 'replace') checks.push(await computedAgain(counting, table, relation));
    if (!table.counts) continue;
    const left = table.counts.present === undefined ? events.rows : await present(table.counts.present);
    const right = table.counts.sum
      ? await counting.one(`SELECT CAST(sum(${table.counts.sum}) AS BIGINT) AS n FROM ${relation}`)
      : (snapshot.recordCount ?? (await counting.one(`SELECT count(*) AS n FROM ${relation}`)));
    checks.push(compared(`silver → ${table.name}`, left, right, detailOf(table, upTo)));
  }
  return checks;
}

/** A table that is computed from rollups has exactly the rows that the rollups give. */
async function computedAgain(counting: Counting, table: GoldTable, relation: string): Promise<Check> {
  const columns = table.columns.map(({ name }) => name).join(', ');
  const rows = await compareRows(counting, columns, table.sql, `SELECT * FROM ${relation}`);
  return checkOf(`rollups → ${table.name}`, rows, 'rows computed from the rollups again = rows');
}

async function countPresent(counting: Counting, table: string, field: string, version: number | undefined) {
  const relation = counting.name('facts');
  await counting.session.readTable(relation, table, {
    columns: [field],
    ...(version === undefined ? {} : { version }),
  });
  return counting.one(`SELECT count(${field}) AS n FROM ${relation}`);
}

function detailOf({ counts }: GoldTable, upTo: number): string {
  const left = counts?.present ? `events with ${counts.present}` : 'silver';
  return `${left} = ${counts?.sum ? `sum of ${counts.sum}` : 'rows'}, up to landed batch ${upTo}`;
}

import { commitOrder } from '../jobs/gold-tables.js';
import { landedLives } from '../jobs/landed.js';
import { offsetCount } from '../jobs/offset-sets.js';
import { withinBatches } from '../jobs/predicates.js';
import type { GoldTable } from '../schema/definition.js';
import { bronzeTables, silverTables } from '../schema/tables.js';
import { checkOf, compareRows } from './compare.js';
import { type Counting, presentRows } from './counting.js';
import type { Positions } from './positions.js';
import { type Check, compared, skipped } from './report.js';

/** The ledger of the Delta tables: what passed one step is in the tables of the next, each side at its own position. */
export async function verifyTables(counting: Counting, positions: Positions): Promise<Check[]> {
  return [
    ...(await logToBronze(counting, positions)),
    await bronzeToSilver(counting, positions),
    ...(await silverToGold(counting, positions)),
  ];
}

async function logToBronze(counting: Counting, { landing }: Positions): Promise<Check[]> {
  const check = 'log → bronze';
  if (!landing) return [skipped(check, 'raw-landing has landed nothing yet')];
  const { events, quarantine, gaps } = bronzeTables(counting.context.pipeline.event);
  const passed = landedLives(landing).reduce((sum, life) => sum + offsetCount(life.passed), 0);
  const bronze = await counting.rowsUpTo(events.name, landing.batch);
  const broken = await counting.rowsUpTo(quarantine.name, landing.batch);
  const gone = await gapsUpTo(counting, gaps.name, landing.batch);
  const detail = `offsets passed = bronze ${bronze.rows} + quarantine ${broken.rows} + gaps ${gone.records}, at batch ${landing.batch}`;
  const checks = [compared(check, passed, bronze.rows + broken.rows + gone.records, detail)];
  const breaks = (landing.input.earlier ?? []).reduce((sum, { marks }) => sum + marks, 0);
  if (breaks > 0 || gone.marks > 0) {
    const what = 'times that a partition was made anew or cut off = rows that record it';
    checks.push(compared(`breaks of the log → ${gaps.name}`, breaks, gone.marks, what));
  }
  return checks;
}

/** The offsets of which no row came, and how many rows record that the log was made anew or cut off. */
async function gapsUpTo(counting: Counting, table: string, batch: number) {
  const { rows } = await counting.state(table);
  if (rows === 0) return { records: 0, marks: 0 };
  const relation = counting.name('gaps');
  const where = withinBatches(0, batch);
  await counting.session.readTable(relation, table, { where });
  const isMark = `reason = 'truncated' OR (reason = 'recreated' AND records = 0)`;
  const n = (sql: string) => counting.one(`SELECT CAST(${sql} AS BIGINT) AS n FROM ${relation}`);
  return {
    records: await n(`sum(records) FILTER (WHERE NOT (${isMark}))`),
    marks: await n(`count(*) FILTER (WHERE ${isMark})`),
  };
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
    if (table.countedIn) checks.push(await countedAgain(counting, relation, table.name, table.countedIn));
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

/** A set has as many rows of each value as were counted when they were added. The rollup has been named before. */
async function countedAgain(
  counting: Counting,
  relation: string,
  set: string,
  { table, sum, by }: NonNullable<GoldTable['countedIn']>,
): Promise<Check> {
  const values = by.join(', ');
  const there = `SELECT ${values}, count(*) AS n FROM ${relation} GROUP BY ${values}`;
  const counted = `SELECT ${values}, CAST(sum(${sum}) AS BIGINT) AS n FROM ${table.split('.').at(-1)} GROUP BY ${values}`;
  const nonZero = `SELECT * FROM (${counted}) AS counted WHERE n <> 0`;
  const rows = await compareRows(counting, `${values}, n`, there, nonZero);
  return checkOf(`${set} → ${table}`, rows, `rows by ${values} = sums of ${sum}`);
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

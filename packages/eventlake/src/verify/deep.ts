import { computeOrder } from '../jobs/gold-tables.js';
import { type LandedLife, landedLives, withinLife } from '../jobs/landed.js';
import { common, inParts } from '../jobs/offset-sets.js';
import { withinBatches } from '../jobs/predicates.js';
import { streamedSilverRows } from '../jobs/silver-rows.js';
import type { OffsetRange } from '../log/event-log.js';
import type { GoldTable, TableDefinition } from '../schema/definition.js';
import { bronzeTables, silverTables } from '../schema/tables.js';
import { added, checkOf, compareRows, NOTHING } from './compare.js';
import { type Counting, RECORDS_AT_ONCE } from './counting.js';
import type { Positions } from './positions.js';
import { type Check, skipped } from './report.js';

/** Landed batches that are compared at a time, so that the comparison fits into memory. */
const BATCHES_OF_ROWS = 1_000_000;

/** Columns that say when a row was made: a recount is made at another time. */
const CLOCKS = ['ingestion_timestamp', 'processed_timestamp', 'updated_at'];

/**
 * Bronze from what the log still has. Like the others here: made again with the declaration's own SQL, and compared row by
 * row; no counter and no statistic is trusted.
 */
export async function bronzeAgain(counting: Counting, { landing }: Positions): Promise<Check> {
  const check = 'log = bronze, row by row';
  if (!landing) return skipped(check, 'raw-landing has landed nothing yet');
  const { log, pipeline } = counting.context;
  const info = await log.topic(pipeline.event.topic);
  const life = landedLives(landing).at(-1)!;
  if (life.topicId !== info.topicId)
    return skipped(check, 'the log was made anew, and raw-landing has not seen it yet');
  const kept = info.partitions.map(({ partition, startOffset: from, endOffset: to }) => ({
    partition,
    from,
    to,
  }));
  let rows = NOTHING;
  for (const ranges of inParts(common(life.passed, kept), RECORDS_AT_ONCE)) {
    rows = added(rows, await counting.part((part) => landedAgain(part, ranges, life)));
  }
  return checkOf(check, rows, 'records that the log still has = rows, quarantine included');
}

async function landedAgain(counting: Counting, ranges: readonly OffsetRange[], life: LandedLife) {
  const { session, context } = counting;
  const { events, quarantine } = bronzeTables(context.pipeline.event);
  const landed = withinLife(life, ranges);
  await session.readLog('records', context.pipeline.event, ranges);
  let rows = NOTHING;
  for (const [table, made] of [
    [events, 'SELECT * FROM records WHERE parse_error IS NULL'],
    [quarantine, 'SELECT *, parse_error AS reason FROM records WHERE parse_error IS NOT NULL'],
  ] as const) {
    const there = counting.name('there');
    await session.readTable(there, table.name, { where: landed });
    // The batch is the job's own cut, not the log's.
    const columns = columnsOf(table, ['log_batch']);
    rows = added(rows, await compareRows(counting, columns, made, `SELECT * FROM ${there}`));
  }
  return rows;
}

/** Silver from bronze. */
export async function silverAgain(counting: Counting, { silver }: Positions): Promise<Check[]> {
  if (!silver) return [skipped('bronze = silver, row by row', 'bronze-to-silver has committed nothing yet')];
  const { pipeline } = counting.context;
  const upTo = silver.input.toLogBatch;
  const { session } = counting;
  await session.readTable('bronze', bronzeTables(pipeline.event).events.name, {
    where: withinBatches(0, upTo),
  });
  const rows = await streamedSilverRows(session, pipeline, silver.plannedAt);
  const tables = silverTables(pipeline.event);
  const checks: Check[] = [];
  for (const key of ['events', 'duplicates', 'quarantine'] as const) {
    checks.push(
      await comparedInParts(
        counting,
        `bronze = ${tables[key].name}, row by row`,
        tables[key],
        rows[key],
        upTo,
      ),
    );
  }
  return checks;
}

/** Gold from silver. */
export async function goldAgain(counting: Counting, { gold }: Positions): Promise<Check[]> {
  if (!gold) return [skipped('silver = gold, row by row', 'silver-to-gold has committed nothing yet')];
  const { pipeline } = counting.context;
  const { session } = counting;
  const silver = silverTables(pipeline.event).events.name;
  const upTo = gold.input.toLogBatch;
  await session.readTable('events', silver, { where: withinBatches(0, upTo) });
  const appId = `silver-to-gold/${pipeline.event.topic}`;
  const checks: Check[] = [];
  for (const table of computeOrder(pipeline.gold)) {
    const check = `silver = ${table.name}, row by row`;
    const snapshot = await counting.asOf(table.name, appId, gold.batch);
    if (!snapshot) {
      checks.push(skipped(check, `its version at batch ${gold.batch} is gone: run it again`));
    } else if (table.grows === 'append') {
      checks.push(await comparedInParts(counting, check, table, table.sql, upTo));
    } else {
      checks.push(await comparedWhole(counting, check, table, snapshot.version));
    }
  }
  return checks;
}

/** Sets, rollups (as they add up) and what is computed from them: as many rows as there are distinct keys. */
async function comparedWhole(
  counting: Counting,
  check: string,
  table: GoldTable,
  version: number,
): Promise<Check> {
  const { session } = counting;
  const columns = columnsOf(table);
  const relation = table.name.split('.').at(-1)!;
  const stored = counting.name('stored');
  await session.readTable(stored, table.name, { version });
  const once = table.grows === 'set' ? 'DISTINCT ' : '';
  await session.define(relation, `SELECT ${once}${columns} FROM (${table.sql}) AS again`, {
    materialize: true,
  });
  // To a set that is made anew all of it is new.
  if (table.grows === 'set') await session.define(`new_${relation}`, `SELECT * FROM ${relation}`);
  let there = stored;
  if (table.fold) {
    await session.define('increments', `SELECT * FROM ${stored}`);
    there = counting.name('folded');
    await session.define(there, table.fold, { materialize: true });
  }
  const rows = await compareRows(counting, columns, `SELECT * FROM ${relation}`, `SELECT * FROM ${there}`);
  return checkOf(check, rows, 'rows made again = rows');
}

/** Tables whose rows have their landed batch: compared a range of batches at a time. */
async function comparedInParts(
  counting: Counting,
  check: string,
  table: TableDefinition,
  sql: string,
  upTo: number,
): Promise<Check> {
  const { session } = counting;
  const stored = counting.name('stored');
  await session.readTable(stored, table.name, { where: withinBatches(0, upTo) });
  const columns = columnsOf(table);
  let rows = NOTHING;
  for (const { from, to } of await partsOf(counting, upTo)) {
    const part = `WHERE log_batch > ${from} AND log_batch <= ${to}`;
    const made = `SELECT * FROM (${sql}) AS made ${part}`;
    rows = added(rows, await compareRows(counting, columns, made, `SELECT * FROM ${stored} ${part}`));
  }
  return checkOf(check, rows, `rows made again = rows, up to landed batch ${upTo}`);
}

async function partsOf(counting: Counting, upTo: number): Promise<{ from: number; to: number }[]> {
  const { session, context } = counting;
  const relation = counting.name('landed');
  const table = bronzeTables(context.pipeline.event).events.name;
  await session.readTable(relation, table, { where: withinBatches(0, upTo), columns: ['log_batch'] });
  const counts = `SELECT log_batch, count(*) AS batch_rows FROM ${relation} GROUP BY log_batch`;
  const parts = `SELECT log_batch, floor(sum(batch_rows) OVER (ORDER BY log_batch) / ${BATCHES_OF_ROWS}) AS part FROM (${counts}) AS counts`;
  const ends = await session.query<{ last_batch: number }>(
    `SELECT max(log_batch) AS last_batch FROM (${parts}) AS parts GROUP BY part ORDER BY part`,
  );
  // A row made out of nothing, in a batch that bronze does not have, lies in the last part or between two.
  const tos = ends.map(({ last_batch }) => last_batch);
  return [...tos.slice(0, -1), upTo].map((to, i) => ({ from: i === 0 ? 0 : tos[i - 1]!, to }));
}

function columnsOf(table: TableDefinition, without: readonly string[] = []): string {
  const names = table.columns.map(({ name }) => name);
  return names.filter((name) => !CLOCKS.includes(name) && !without.includes(name)).join(', ');
}

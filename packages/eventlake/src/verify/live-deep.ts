import { type LandedLife, withinLife } from '../jobs/landed.js';
import { inParts } from '../jobs/offset-sets.js';
import type { OffsetRange } from '../log/event-log.js';
import {
  canBeLate,
  type HighestEventTimes,
  highestAfter,
  type LiveBounds,
  liveBoundsSql,
  liveEventsSql,
  liveIncrementsSql,
} from '../schema/sql.js';
import { bronzeTables } from '../schema/tables.js';
import { checkedSql } from '../schema/validation.js';
import { type Counting, RECORDS_AT_ONCE } from './counting.js';
import { type Coverage, readCoverage } from './coverage.js';
import { type LiveReading, readLive } from './live-position.js';
import type { Positions } from './positions.js';
import { type Check, checked, skipped } from './report.js';

/**
 * The live tables made again, minute by minute and group by group: from bronze, and from the log what has not landed, in
 * the order of the offsets, watermarks included.
 */
export async function verifyLiveDeep(
  counting: Counting,
  readPositions: () => Promise<Positions>,
): Promise<Check[]> {
  const reading = await readLive(counting.context, () => readCells(counting));
  if (!reading) return [skipped('realtime, minute by minute', 'fast-agg has counted nothing yet')];
  const { landing } = await readPositions();
  const coverage = await readCoverage(counting, landing, reading);
  if (coverage.unknown > 0) {
    const why = `of up to ${coverage.unknown} records nobody can know: they were lost to one side only`;
    return [skipped('realtime, minute by minute', why)];
  }
  const expected = await recount(counting, coverage);
  const { live } = counting.context.pipeline;
  return [...live.tables, live.late].map(({ name }) => compareCells(name, reading, expected.get(name)));
}

/** Cell (window and groups, as JSON) → events. */
type Cells = Map<string, number>;
/** What must be there, and what may be there more: see `LiveReading`. */
interface Expected {
  least: Cells;
  more: Cells;
}

async function readCells({ context }: Counting): Promise<Map<string, Cells>> {
  const { live } = context.pipeline;
  const serving = await context.serving();
  const tables = new Map<string, Cells>();
  for (const { name, by, count } of [...live.tables, live.late]) {
    const groups = ['window_start', ...by].join(', ');
    const rows = await serving.query<Record<string, unknown>>(
      `SELECT toUnixTimestamp(window_start) AS window_s, ${[...by, ''].join(', ')} sum(${count}) AS events
       FROM ${name} GROUP BY ${groups} HAVING events != 0`,
    );
    tables.set(name, new Map(rows.map((row) => [cellOf(row, 'window_s', by), Number(row.events)])));
  }
  return tables;
}

function cellOf(row: Record<string, unknown>, window: string, by: readonly string[]): string {
  return JSON.stringify([row[window], ...by.map((name) => row[name])]);
}

function compareCells(
  name: string,
  reading: LiveReading<Map<string, Cells>>,
  expected: Expected | undefined,
): Check {
  const there = reading.value.get(name) ?? new Map<string, number>();
  const least: Cells = expected?.least ?? new Map();
  const more: Cells = expected?.more ?? new Map();
  const totals = { left: 0, right: 0, apart: 0 };
  for (const cell of new Set([...there.keys(), ...least.keys()])) {
    const actual = there.get(cell) ?? 0;
    const low = least.get(cell) ?? 0;
    const high = low + (more.get(cell) ?? 0);
    totals.left += Math.min(Math.max(actual, low), high);
    totals.right += actual;
    totals.apart += Math.max(0, low - actual, actual - high);
  }
  const detail = `events counted again = events, minute by minute, at batch ${reading.batch}`;
  return checked(`log = ${name}, minute by minute`, totals.left, totals.right, totals.apart, detail);
}

async function recount(counting: Counting, coverage: Coverage): Promise<Map<string, Expected>> {
  const expected = new Map<string, Expected>();
  let highest: HighestEventTimes = new Map();
  const go = async (ranges: readonly OffsetRange[], kind: keyof Expected, life?: LandedLife) => {
    for (const part of inParts(ranges, RECORDS_AT_ONCE)) {
      const before = highest;
      highest = await counting.part(async (own) => {
        await readRecords(own, part, life);
        return countAgain(own, before, expected, kind);
      });
    }
  };
  for (const { landed, unlanded } of coverage.lives) {
    // A topic that was made anew begins without a watermark.
    highest = new Map();
    // What has landed is read from bronze, since the log may have forgotten it; then the rest from the log.
    for (const { life, ranges } of landed) await go(ranges, 'least', life);
    await go(unlanded, 'least');
  }
  await go(coverage.half.readable, 'more');
  return expected;
}

/** Names as `records` those of the ranges: from bronze, where a life is given that landed. */
async function readRecords(
  { context, session }: Counting,
  ranges: readonly OffsetRange[],
  life: LandedLife | undefined,
) {
  const { event } = context.pipeline;
  if (!life) await session.readLog('records', event, ranges);
  else {
    const where = withinLife(life, ranges);
    await session.readTable('records', bronzeTables(event).events.name, { where });
  }
}

async function countAgain(
  { session, context }: Counting,
  before: HighestEventTimes,
  expected: Map<string, Expected>,
  kind: keyof Expected,
): Promise<HighestEventTimes> {
  const { pipeline } = context;
  await session.define('checked', checkedSql(pipeline, 'records', ['log_partition', 'log_offset']));
  const events = 'live_events';
  await session.define(events, liveEventsSql(pipeline, 'checked'), { materialize: true });
  const bounds = await session.query<LiveBounds>(liveBoundsSql(events));
  const late = canBeLate(pipeline, before, bounds);
  const byTable = new Map(
    [...pipeline.live.tables, pipeline.live.late].map((table) => [table.name, table.by]),
  );
  for (const row of await session.query<Record<string, unknown>>(
    liveIncrementsSql(pipeline, events, before, late),
  )) {
    const name = String(row.live_table);
    const cell = cellOf(row, 'window_start', byTable.get(name)!);
    const cells = expected.get(name) ?? { least: new Map<string, number>(), more: new Map<string, number>() };
    expected.set(name, cells);
    cells[kind].set(cell, (cells[kind].get(cell) ?? 0) + Number(row.event_count));
  }
  return highestAfter(before, bounds);
}

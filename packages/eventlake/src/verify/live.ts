import type { Predicate } from '@eventlake/delta';
import { EventlakeError } from '../errors.js';
import { inParts } from '../jobs/offset-sets.js';
import { withinBatches } from '../jobs/predicates.js';
import type { OffsetRange } from '../log/event-log.js';
import type { LiveTable } from '../schema/definition.js';
import { bronzeTables, silverTables } from '../schema/tables.js';
import { validSql } from '../schema/validation.js';
import type { Serving } from '../serving/serving.js';
import { type Counting, RECORDS_AT_ONCE } from './counting.js';
import { type Coverage, readCoverage } from './coverage.js';
import { isSettled, type LiveReading, readLive } from './live-position.js';
import { minutesSince } from './minutes.js';
import type { Positions } from './positions.js';
import { type Check, checked, compared, skipped } from './report.js';

/** How far back, from the newest window on, each window is compared, and how many events that may be. */
const NEWEST_S = 3 * 3600;
const NEWEST_EVENTS = 1_000_000;
const NEWEST_WINDOWS_MIN = 3;

interface Sums {
  /** By table. */
  counts: Map<string, number>;
  /** Of the newest windows, on time and late together: window start, in seconds since 1970, → events. */
  minutes: { fromS: number; events: Map<number, number> };
  /** By table with a condition: events that it counts otherwise than the table of all events, minute by minute. */
  apart: Map<string, { left: number; right: number; difference: number }>;
}

/** The ledger of the live tables, at fast-agg's position, which may be ahead of the batch jobs or behind. */
export async function verifyLive(
  counting: Counting,
  readPositions: () => Promise<Positions>,
): Promise<Check[]> {
  const { live } = counting.context.pipeline;
  const all = live.tables.find(({ where }) => where === undefined);
  const reading = await readLive(counting.context, () => readSums(counting, all));
  if (!reading) return [skipped('realtime', 'fast-agg has counted nothing yet')];
  // Read after the live tables: what these count is then in the log, and perhaps further.
  const positions = await readPositions();
  const checks: Check[] = [];
  if (all) {
    const coverage = await readCoverage(counting, positions.landing, reading);
    checks.push(await allEvents(counting, positions, coverage, reading, all));
    checks.push(await newestMinutes(counting, positions, coverage, reading));
  }
  for (const [table, { left, right, difference }] of reading.value.apart) {
    const unsettled = !isSettled(reading);
    const detail = `${table} = ${all!.name} under its condition, minute by minute`;
    // Blocks of one batch come one after the other: until they are all in, the tables may differ by it.
    if (unsettled && difference !== 0)
      checks.push(skipped(`${all!.name} → ${table}`, `batch ${reading.batch} is half in`));
    else checks.push(checked(`${all!.name} → ${table}`, left, right, difference, detail));
  }
  return checks;
}

async function readSums({ context }: Counting, all: LiveTable | undefined): Promise<Sums> {
  const { live } = context.pipeline;
  const serving = await context.serving();
  const counts = new Map<string, number>();
  for (const { name, count } of [...live.tables, live.late]) {
    const [row] = await serving.query<{ n: number }>(`SELECT sum(${count}) AS n FROM ${name}`);
    counts.set(name, Number(row!.n));
  }
  const minutes = await readMinutes(serving, all, live.late);
  const apart: Sums['apart'] = new Map();
  for (const table of live.tables) {
    if (!all || table.where === undefined || !mentionsOnly(table.where, all)) continue;
    const [row] = await serving.query<{ l: number; r: number; d: number }>(
      `SELECT sum(here) AS l, sum(there) AS r, sum(abs(here - there)) AS d FROM (
         SELECT window_start, sum(a) AS here, sum(b) AS there FROM (
           SELECT window_start, toInt64(${table.count}) AS a, toInt64(0) AS b FROM ${table.name}
           UNION ALL
           SELECT window_start, toInt64(0) AS a, toInt64(${all.count}) AS b FROM ${all.name} WHERE ${table.where}
         ) GROUP BY window_start)`,
    );
    apart.set(table.name, { left: Number(row!.l), right: Number(row!.r), difference: Number(row!.d) });
  }
  return { counts, minutes, apart };
}

async function readMinutes(serving: Serving, all: LiveTable | undefined, late: LiveTable) {
  const events = new Map<number, number>();
  if (!all) return { fromS: 0, events };
  const [newest] = await serving.query<{ s: number }>(
    `SELECT toUnixTimestamp(max(window_start)) - ${NEWEST_S} AS s FROM ${all.name}`,
  );
  const fromS = Math.max(0, Number(newest!.s));
  const rows = await serving.query<{ window_s: number; n: number }>(
    `SELECT toUnixTimestamp(window_start) AS window_s, sum(events) AS n FROM (
       SELECT window_start, ${all.count} AS events FROM ${all.name} WHERE window_start >= toDateTime(${fromS})
       UNION ALL
       SELECT window_start, ${late.count} AS events FROM ${late.name} WHERE window_start >= toDateTime(${fromS})
     ) GROUP BY window_start ORDER BY window_start DESC`,
  );
  let total = 0;
  for (const { window_s, n } of rows) {
    total += Number(n);
    if (total > NEWEST_EVENTS && events.size >= NEWEST_WINDOWS_MIN) break;
    events.set(Number(window_s), Number(n));
  }
  // As far back as the windows that are compared; where they are all of them, as far as was asked.
  return { fromS: events.size < rows.length ? Math.min(...events.keys()) : fromS, events };
}

/** Whether the condition can be asked of the table of all events, which has only the fields that it groups by. */
function mentionsOnly(where: string, { by }: LiveTable): boolean {
  const words = where.replace(/'[^']*'/g, '').match(/[A-Za-z_][A-Za-z0-9_]*/g) ?? [];
  const operators = new Set(['AND', 'OR', 'NOT', 'IN', 'IS', 'NULL']);
  return words.every((word) => by.includes(word) || operators.has(word.toUpperCase()));
}

/**
 * Each of the newest windows. Of history only the totals are compared here, since its windows would have to be counted
 * again and again: `deep` does that.
 */
async function newestMinutes(
  counting: Counting,
  positions: Positions,
  coverage: Coverage,
  reading: LiveReading<Sums>,
): Promise<Check> {
  const check = 'realtime = silver, the newest minutes';
  if (coverage.unknown > 0) return skipped(check, `of up to ${coverage.unknown} records nobody can know`);
  const { readable, offsets } = coverage.half;
  if (offsets > 0) return skipped(check, `batch ${reading.batch} is half in`);
  const { fromS, events } = reading.value.minutes;
  const expected = await minutesSince(counting, positions, coverage, fromS);
  // Of a batch that was being inserted, some may be counted already.
  const none = { gold: undefined, silver: undefined, landing: undefined };
  const more = await minutesSince(counting, none, { outside: undefined, unlanded: readable }, fromS);
  let [left, right, apart] = [0, 0, 0];
  for (const window of new Set([...events.keys(), ...expected.keys()])) {
    const live = events.get(window) ?? 0;
    const least = expected.get(window) ?? 0;
    const most = least + (more.get(window) ?? 0);
    left += live;
    right += Math.min(Math.max(live, least), most);
    apart += Math.max(0, least - live, live - most);
  }
  const detail = `events on time and late = events in silver, minute by minute since ${new Date(fromS * 1000).toISOString()}`;
  return checked(check, left, right, apart, detail);
}

async function allEvents(
  counting: Counting,
  positions: Positions,
  coverage: Coverage,
  reading: LiveReading<Sums>,
  all: LiveTable,
): Promise<Check> {
  const { late } = counting.context.pipeline.live;
  const check = 'realtime = silver';
  const onTime = reading.value.counts.get(all.name)!;
  const lateEvents = reading.value.counts.get(late.name)!;
  const valid = await validBefore(counting, positions, coverage);
  const left = onTime + lateEvents;
  const parts = Object.entries(valid.parts).map(([name, rows]) => `${name} ${rows}`);
  const detail = `${all.name} ${onTime} + late ${lateEvents} = ${parts.join(' + ')}, at batch ${reading.batch}`;
  if (valid.most === valid.least) return compared(check, left, valid.least, detail);
  const difference = Math.max(0, valid.least - left, left - valid.most);
  const right = Math.min(Math.max(left, valid.least), valid.most);
  const why = [
    ...(valid.unknown > 0
      ? [`; of up to ${valid.unknown} more nobody can know, since records were lost to one side only`]
      : []),
    ...(valid.half > 0 ? [`, while up to ${valid.half} more were inserted`] : []),
  ];
  return checked(check, left, right, difference, `${detail}${why.join('')}`);
}

/** How many valid events lie before the reading's position: in silver, not merged yet, not landed yet. */
async function validBefore(
  counting: Counting,
  { silver, landing }: Positions,
  { outside, unlanded, unknown, half }: Coverage,
) {
  const { event } = counting.context.pipeline;
  const merged = silver?.input.toLogBatch ?? 0;
  const inSilver = async (table: string) => {
    const { version, rows } = await counting.rowsUpTo(table, merged);
    if (!outside) return rows;
    const where = { and: [{ column: 'log_batch', op: '<=' as const, value: merged }, outside] };
    return rows - (await counting.count(table, where, version));
  };
  const tables = silverTables(event);
  const parts = {
    silver: silver ? await inSilver(tables.events.name) : 0,
    duplicates: silver ? await inSilver(tables.duplicates.name) : 0,
    'not merged yet': landing ? await validInBronze(counting, merged, landing.batch, outside) : 0,
    'not landed yet': await validInLog(counting, unlanded),
  };
  const least = Object.values(parts).reduce((sum, rows) => sum + rows, 0);
  const halfIn = (await validInLog(counting, half.readable)) + half.offsets;
  return { parts, least, most: least + unknown + halfIn, unknown, half: halfIn };
}

async function validInBronze(
  counting: Counting,
  after: number,
  upTo: number,
  outside: Predicate | undefined,
): Promise<number> {
  if (upTo <= after) return 0;
  const { session, context } = counting;
  const relation = counting.name('unmerged');
  const unmerged = withinBatches(after, upTo);
  await session.readTable(relation, bronzeTables(context.pipeline.event).events.name, {
    where: outside ? { and: [unmerged, { not: outside }] } : unmerged,
  });
  return counting.one(
    `SELECT count(*) AS n FROM (${validSql(context.pipeline, relation, ['log_offset'])}) AS valid`,
  );
}

async function validInLog(counting: Counting, ranges: readonly OffsetRange[]): Promise<number> {
  const { pipeline } = counting.context;
  let valid = 0;
  for (const part of inParts(ranges, RECORDS_AT_ONCE)) {
    valid += await counting.part(async (own) => {
      await own.session.readLog('unlanded', pipeline.event, part).catch(explainLoss);
      return own.one(
        `SELECT count(*) AS n FROM (${validSql(pipeline, 'unlanded', ['log_offset'])}) AS valid`,
      );
    });
  }
  return valid;
}

function explainLoss(error: unknown): never {
  if (!(error instanceof EventlakeError) || error.kind !== 'data-loss') throw error;
  throw new EventlakeError(
    'data-loss',
    `Records that fast-agg has counted and raw-landing has not landed are going from the log: ${error.message}`,
    error.where,
    error.hint,
    { cause: error },
  );
}

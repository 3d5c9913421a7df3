import type { EventDefinition, LiveTable, PipelineDefinition } from './definition.js';
import { textLiteral } from './macros.js';

/**
 * The rows of `valid` that are repeats: their place (`log_batch, log_partition, log_offset`), nothing else, so that the
 * result is small. First landed wins: a row is a repeat if its id is in `known` (one column, the event's id: what silver
 * has already), or if a row earlier in the log's landing order has its id.
 * Only ids that occur twice are sorted; the rest passes by a hash aggregate.
 */
export function duplicatesSql(event: EventDefinition, valid: string, known: string): string {
  const { id } = event;
  return `SELECT ${landingOrder} FROM ${valid} WHERE ${id} IN (SELECT ${id} FROM ${known})
UNION ALL
SELECT ${landingOrder} FROM (
  SELECT ${landingOrder}, row_number() OVER (PARTITION BY ${id} ORDER BY ${landingOrder}) AS nth
  FROM ${valid}
  WHERE ${id} IN (SELECT ${id} FROM ${valid} GROUP BY ${id} HAVING count(*) > 1)
    AND ${id} NOT IN (SELECT ${id} FROM ${known})
) AS repeated
WHERE nth > 1`;
}

/** The rows that `duplicatesSql` names, whole: where `valid` has few rows beside them, since it sorts all. */
export function repeatedRowsSql(event: EventDefinition, valid: string, known: string): string {
  const { id } = event;
  const columns = [...Object.keys(event.fields), ...landingColumns].join(', ');
  return `SELECT ${columns} FROM (
  SELECT ${columns}, row_number() OVER (PARTITION BY ${id} ORDER BY ${landingOrder}) AS nth FROM ${valid}
) AS numbered
WHERE nth > 1 OR ${id} IN (SELECT ${id} FROM ${known})`;
}

/** The rows of `valid` that are at a place in `duplicates`. */
export function duplicateRowsSql(valid: string, duplicates: string): string {
  return `SELECT * FROM ${valid} AS landed SEMI JOIN ${duplicates} AS repeated ON ${samePlace}`;
}

/** The rows of `valid` that are not: what silver appends. */
export function firstRowsSql(valid: string, duplicates: string): string {
  return `SELECT * FROM ${valid} AS landed ANTI JOIN ${duplicates} AS repeated ON ${samePlace}`;
}

const landingColumns = ['log_batch', 'log_partition', 'log_offset'];
const landingOrder = landingColumns.join(', ');
// Not USING: it moves the columns of the join to the front in Spark.
const samePlace = landingColumns.map((name) => `landed.${name} = repeated.${name}`).join(' AND ');

/**
 * What the live windows need of each valid event, and no more: `log_partition`, `log_offset`, `event_us` (event time in
 * microseconds since 1970), the fields that a live table groups by, and `counted_<i>` for each condition of one.
 * `relation` has the records as the log's reader names them. Materialize it: the two queries below read it twice.
 */
export function liveEventsSql(pipeline: PipelineDefinition, checked: string): string {
  const columns = [
    'log_partition',
    'log_offset',
    `unix_micros(${pipeline.event.time}) AS event_us`,
    ...groupFields(pipeline),
    ...conditions(pipeline).map((where, index) => `coalesce(${where}, FALSE) AS counted_${index}`),
  ];
  return `SELECT ${columns.join(', ')}\nFROM ${checked}\nWHERE reject_reason IS NULL`;
}

/** Per partition, `min_event_us` and `max_event_us` of its valid events: for the watermarks, and to see what can be late. */
export function liveBoundsSql(events: string): string {
  return `SELECT log_partition, min(event_us) AS min_event_us, max(event_us) AS max_event_us
FROM ${events}\nGROUP BY log_partition`;
}

export interface LiveBounds {
  log_partition: number;
  min_event_us: number;
  max_event_us: number;
}

/** Per partition, the highest valid event time before the batch, in microseconds since 1970; absent: none yet. */
export type HighestEventTimes = ReadonlyMap<number, number>;

/** The highest valid event times after the batch. */
export function highestAfter(before: HighestEventTimes, bounds: readonly LiveBounds[]): Map<number, number> {
  const after = new Map(before);
  for (const { log_partition, max_event_us } of bounds) {
    after.set(log_partition, Math.max(max_event_us, after.get(log_partition) ?? Number.NEGATIVE_INFINITY));
  }
  return after;
}

/**
 * Whether some event of the batch could be late: whether the window of the earliest one ends at or before the highest
 * watermark that the batch reaches. Where not, the running maximum over all events need not be computed.
 */
export function canBeLate(
  pipeline: PipelineDefinition,
  before: HighestEventTimes,
  bounds: readonly LiveBounds[],
): boolean {
  const { windowMs, watermarkDelayMs } = pipeline.live;
  const after = highestAfter(before, bounds);
  return bounds.some(({ log_partition, min_event_us }) => {
    const windowEnd = min_event_us - (min_event_us % (windowMs * 1000)) + windowMs * 1000;
    return windowEnd + watermarkDelayMs * 1000 <= after.get(log_partition)!;
  });
}

/**
 * The increments of all live tables in one result: `live_table` STRING, `window_start` and `window_end` BIGINT (seconds
 * since 1970), the fields that some table groups by (null where this one does not), `event_count` BIGINT.
 *
 * A record is late if its window ended at or before its watermark: the highest valid event time at earlier offsets of
 * its partition, less the delay. So lateness is the record's own, wherever the batches were cut.
 * `late`: the answer of `canBeLate`.
 */
export function liveIncrementsSql(
  pipeline: PipelineDefinition,
  events: string,
  before: HighestEventTimes,
  late: boolean,
): string {
  const { tables, late: lateTable } = pipeline.live;
  const cells = cellsSql(
    pipeline,
    late ? lateEventsSql(pipeline, events, before) : onTimeSql(pipeline, events),
  );
  const all = late ? [...tables, lateTable] : tables;
  return `WITH cells AS (${cells})\n${all.map((table) => incrementsSql(pipeline, table)).join('\nUNION ALL\n')}`;
}

export interface LiveIncrement {
  live_table: string;
  window_start: number;
  window_end: number;
  event_count: number;
  [field: string]: string | number | boolean | null;
}

/** The rows for each live table, in its own columns; a table without any is left out. */
export function liveRows(
  pipeline: PipelineDefinition,
  increments: readonly LiveIncrement[],
): Map<string, Record<string, string | number | boolean | null>[]> {
  const tables = new Map([...pipeline.live.tables, pipeline.live.late].map((table) => [table.name, table]));
  const rows = new Map<string, Record<string, string | number | boolean | null>[]>();
  for (const increment of increments) {
    const table = tables.get(increment.live_table)!;
    const row: Record<string, string | number | boolean | null> = {
      window_start: increment.window_start,
      window_end: increment.window_end,
    };
    for (const name of table.by) row[name] = increment[name] ?? null;
    row[table.count] = increment.event_count;
    const known = rows.get(table.name);
    if (known === undefined) rows.set(table.name, [row]);
    else known.push(row);
  }
  return rows;
}

/** Each event with its window, none of them late. */
function onTimeSql(pipeline: PipelineDefinition, events: string): string {
  return `SELECT *, FALSE AS is_late, ${windowSql(pipeline)} AS window_us FROM ${events}`;
}

/** Each event with its window and whether it is late: one pass in offset order per partition. */
function lateEventsSql(pipeline: PipelineDefinition, events: string, before: HighestEventTimes): string {
  const { windowMs, watermarkDelayMs } = pipeline.live;
  const start = [...before].map(([partition, us]) => `WHEN ${partition} THEN ${us}`).join(' ');
  // Below every valid event time, which begins at 0.
  const none = `CAST(-1 AS BIGINT)`;
  return `SELECT *, window_us + ${(windowMs + watermarkDelayMs) * 1000} <= highest_us AS is_late
FROM (
  SELECT *, ${windowSql(pipeline)} AS window_us,
    greatest(
      coalesce(max(event_us) OVER (
        PARTITION BY log_partition ORDER BY log_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ), ${none}),
      ${start === '' ? none : `CASE log_partition ${start} ELSE ${none} END`}
    ) AS highest_us
  FROM ${events}
) AS marked`;
}

/** Valid event times are never negative, so the remainder is the time since the window's start. */
function windowSql(pipeline: PipelineDefinition): string {
  return `event_us - event_us % ${pipeline.live.windowMs * 1000}`;
}

/** Counts by everything that any live table tells apart: a few rows a window, from which each table is added up. */
function cellsSql(pipeline: PipelineDefinition, events: string): string {
  const by = [
    'window_us',
    'is_late',
    ...groupFields(pipeline),
    ...conditions(pipeline).map((_, i) => `counted_${i}`),
  ];
  return `SELECT ${by.join(', ')}, count(*) AS cell_count\nFROM (${events}) AS windowed\nGROUP BY ${by.join(', ')}`;
}

function incrementsSql(pipeline: PipelineDefinition, table: LiveTable): string {
  const windowStart = 'CAST(window_us / 1000000 AS BIGINT)';
  const condition = table.where === undefined ? -1 : conditions(pipeline).indexOf(table.where);
  const columns = [
    `${textLiteral(table.name)} AS live_table`,
    `${windowStart} AS window_start`,
    `${windowStart} + ${pipeline.live.windowMs / 1000} AS window_end`,
    ...groupFields(pipeline).map((name) =>
      table.by.includes(name) ? name : `CAST(NULL AS STRING) AS ${name}`,
    ),
    'CAST(sum(cell_count) AS BIGINT) AS event_count',
  ];
  const where = [
    table === pipeline.live.late ? 'is_late' : 'NOT is_late',
    ...(condition < 0 ? [] : [`counted_${condition}`]),
  ];
  const by = ['window_us', ...table.by];
  return `SELECT ${columns.join(', ')}\nFROM cells\nWHERE ${where.join(' AND ')}\nGROUP BY ${by.join(', ')}`;
}

function groupFields(pipeline: PipelineDefinition): string[] {
  const { tables, late } = pipeline.live;
  return [...new Set([...tables, late].flatMap((table) => table.by))];
}

function conditions(pipeline: PipelineDefinition): string[] {
  const { tables, late } = pipeline.live;
  return [...new Set([...tables, late].flatMap((table) => table.where ?? []))];
}

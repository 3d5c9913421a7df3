import type { Predicate } from '@eventlake/delta';
import { inParts } from '../jobs/offset-sets.js';
import { withinBatches } from '../jobs/predicates.js';
import { bronzeTables, silverTables } from '../schema/tables.js';
import { validSql } from '../schema/validation.js';
import { type Counting, RECORDS_AT_ONCE } from './counting.js';
import type { Coverage } from './coverage.js';
import type { Positions } from './positions.js';

/**
 * Valid events that are counted live, by window since `fromS`: window start, in seconds since 1970, → events. Files
 * whose events are all older are not read.
 */
export async function minutesSince(
  counting: Counting,
  { silver, landing }: Positions,
  { outside, unlanded }: Pick<Coverage, 'outside' | 'unlanded'>,
  fromS: number,
): Promise<Map<number, number>> {
  const { pipeline } = counting.context;
  const { event } = pipeline;
  const minutes = new Map<number, number>();
  const inside: Predicate[] = outside ? [{ not: outside }] : [];
  const merged = silver?.input.toLogBatch ?? 0;
  if (silver) {
    const since: Predicate = { column: event.time, op: '>=', value: new Date(fromS * 1000).toISOString() };
    const tables = silverTables(event);
    for (const { name } of [tables.events, tables.duplicates]) {
      const relation = counting.name('minutes');
      const where = { and: [since, withinBatches(0, merged), ...inside] };
      await counting.session.readTable(relation, name, { where });
      await count(counting, relation, fromS, minutes);
    }
  }
  if (landing && landing.batch > merged) {
    const relation = counting.name('minutes');
    await counting.session.readTable(relation, bronzeTables(event).events.name, {
      where: { and: [withinBatches(merged, landing.batch), ...inside] },
    });
    await count(counting, `(${validSql(pipeline, relation, ['log_offset'])}) AS valid`, fromS, minutes);
  }
  for (const ranges of inParts(unlanded, RECORDS_AT_ONCE)) {
    await counting.part(async (part) => {
      await part.session.readLog('unlanded', event, ranges);
      await count(part, `(${validSql(pipeline, 'unlanded', ['log_offset'])}) AS valid`, fromS, minutes);
    });
  }
  return minutes;
}

async function count(
  { session, context }: Counting,
  relation: string,
  fromS: number,
  minutes: Map<number, number>,
): Promise<void> {
  const { event, live } = context.pipeline;
  const windowS = live.windowMs / 1000;
  const seconds = `CAST(floor(unix_micros(${event.time}) / 1000000) AS BIGINT)`;
  const window = `${seconds} - ${seconds} % ${windowS}`;
  const rows = await session.query<{ window_s: number; events: number }>(
    `SELECT ${window} AS window_s, count(*) AS events FROM ${relation}
     WHERE unix_micros(${event.time}) >= ${fromS * 1_000_000} GROUP BY ${window}`,
  );
  for (const { window_s, events } of rows) minutes.set(window_s, (minutes.get(window_s) ?? 0) + events);
}

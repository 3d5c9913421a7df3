import pipeline from '@eventlake/user-events';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  canBeLate,
  type HighestEventTimes,
  highestAfter,
  type LiveBounds,
  type LiveIncrement,
  liveBoundsSql,
  liveEventsSql,
  liveIncrementsSql,
  liveRows,
} from '../../packages/eventlake/src/schema/sql.js';
import { type Db, openDuckDb } from './duckdb.js';

interface Landed {
  partition: number;
  offset: number;
  eventUs: number;
  event_type: string;
  source: string;
  valid: boolean;
}

/** `table|window_start|groups` → count. */
type Counts = Map<string, number>;

const minuteUs = 60_000_000;

describe('live windows', () => {
  let db: Db;
  beforeAll(async () => {
    db = await openDuckDb();
  });
  afterAll(() => db.close());

  test('lateness is the record’s own: however the stream is cut, the sums are those of a record-by-record model', async () => {
    await fc.assert(
      fc.asyncProperty(stream(), fc.array(fc.nat(12), { maxLength: 20 }), async (events, cuts) => {
        expect(await countInBatches(events, cuts)).toEqual(model(events));
      }),
      { numRuns: 80 },
    );
  }, 120_000);

  test('a window that ends exactly at the watermark is closed; one microsecond earlier it is open', async () => {
    const event = { partition: 0, event_type: 'login', source: 'web', valid: true };
    for (const [highest, late] of [
      [3 * minuteUs, true],
      [3 * minuteUs - 1, false],
    ] as const) {
      const counts = await countInBatches(
        [
          { ...event, offset: 0, eventUs: highest },
          { ...event, offset: 1, eventUs: 5 },
        ],
        [],
      );
      expect(counts.get('realtime.late_events_per_minute|0|login')).toBe(late ? 1 : undefined);
    }
  });

  test('what is not valid is not counted, and moves no watermark', async () => {
    const event = { partition: 0, event_type: 'login', source: 'web' };
    const counts = await countInBatches(
      [
        { ...event, offset: 0, eventUs: 90 * minuteUs, valid: false },
        { ...event, offset: 1, eventUs: 0, valid: true },
      ],
      [],
    );
    expect([...counts]).toEqual([
      ['realtime.events_per_minute|0|login', 1],
      ['realtime.logins_per_source|0|web', 1],
    ]);
  });

  test('an empty batch has no increments and leaves the watermarks', async () => {
    const before: HighestEventTimes = new Map([[0, 7]]);
    const { rows, after } = await runBatch([], before);
    expect([rows.size, after]).toEqual([0, before]);
  });

  async function countInBatches(events: readonly Landed[], cuts: readonly number[]): Promise<Counts> {
    const counts: Counts = new Map();
    let highest: HighestEventTimes = new Map();
    for (const batch of cut(events, cuts)) {
      const { rows, after } = await runBatch(batch, highest);
      for (const [table, increments] of rows) {
        for (const { window_start, window_end, ...rest } of increments) {
          expect(window_end).toBe(Number(window_start) + 60);
          const [group, count] = splitCount(rest);
          add(counts, `${table}|${window_start}|${group}`, count);
        }
      }
      highest = after;
    }
    return new Map([...counts].sort());
  }

  async function runBatch(batch: readonly Landed[], before: HighestEventTimes) {
    await db.run(`CREATE OR REPLACE TABLE checked (log_partition INT, log_offset BIGINT, timestamp TIMESTAMPTZ,
      event_type VARCHAR, source VARCHAR, reject_reason VARCHAR)`);
    if (batch.length > 0) {
      const values = batch.map(
        (e) =>
          `(${e.partition}, ${e.offset}, timestamp_micros(${e.eventUs}), '${e.event_type}', '${e.source}',
            ${e.valid ? 'NULL' : "'no'"})`,
      );
      await db.run(`INSERT INTO checked VALUES ${values.join(', ')}`);
    }
    await db.run(`CREATE OR REPLACE TABLE live AS ${liveEventsSql(pipeline, 'checked')}`);
    const bounds = (await db.query<LiveBounds>(liveBoundsSql('live'))).map(numbers);
    const late = canBeLate(pipeline, before, bounds);
    const increments = await db.query<LiveIncrement>(liveIncrementsSql(pipeline, 'live', before, late));
    return { rows: liveRows(pipeline, increments.map(numbers)), after: highestAfter(before, bounds) };
  }
});

/** Event times that wander forward and often fall back by around the window and the delay. */
function stream(): fc.Arbitrary<Landed[]> {
  const event = fc.record({
    partition: fc.nat(2),
    forwardUs: fc.oneof(fc.nat(20_000_000), fc.constantFrom(minuteUs, 2 * minuteUs, 3 * minuteUs)),
    backUs: fc.oneof(
      { weight: 3, arbitrary: fc.constant(0) },
      fc.nat(5 * minuteUs),
      fc.constantFrom(2 * minuteUs, 3 * minuteUs, 3 * minuteUs - 1),
    ),
    event_type: fc.constantFrom('login', 'click', 'purchase', 'logout'),
    source: fc.constantFrom('web', 'mobile'),
    valid: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, fc.constant(false)),
  });
  return fc.array(event, { maxLength: 80 }).map((steps) => {
    const offsets = [0, 0, 0];
    let nowUs = 0;
    return steps.map(({ forwardUs, backUs, partition, ...rest }) => {
      nowUs += forwardUs;
      // Offsets have gaps.
      offsets[partition]! += 1 + (forwardUs % 3);
      return { ...rest, partition, offset: offsets[partition]!, eventUs: Math.max(0, nowUs - backUs) };
    });
  });
}

/** The design, word for word, one record after the other. */
function model(events: readonly Landed[]): Counts {
  const counts: Counts = new Map();
  const highest = new Map<number, number>();
  for (const event of events) {
    if (!event.valid) continue;
    const windowUs = Math.floor(event.eventUs / minuteUs) * minuteUs;
    const watermarkUs = (highest.get(event.partition) ?? Number.NEGATIVE_INFINITY) - 2 * minuteUs;
    const at = windowUs / 1_000_000;
    if (windowUs + minuteUs <= watermarkUs) {
      add(counts, `realtime.late_events_per_minute|${at}|${event.event_type}`, 1);
    } else {
      add(counts, `realtime.events_per_minute|${at}|${event.event_type}`, 1);
      if (event.event_type === 'login') add(counts, `realtime.logins_per_source|${at}|${event.source}`, 1);
      if (event.event_type === 'purchase') add(counts, `realtime.purchases_per_minute|${at}|`, 1);
    }
    highest.set(event.partition, Math.max(event.eventUs, highest.get(event.partition) ?? 0));
  }
  return new Map([...counts].sort());
}

function cut(events: readonly Landed[], cuts: readonly number[]): Landed[][] {
  const batches: Landed[][] = [];
  let rest = events;
  for (const size of cuts) {
    batches.push(rest.slice(0, size));
    rest = rest.slice(size);
  }
  return [...batches, [...rest]];
}

function splitCount(row: Record<string, unknown>): [group: string, count: number] {
  const values = Object.values(row);
  const count = values.pop();
  return [values.join(','), count as number];
}

function add(counts: Counts, key: string, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}

function numbers<Row extends object>(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : value]),
  ) as Row;
}

import pipeline from '@eventlake/user-events';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { healthTables, pipelineChecks, pipelineHealth } from '../../packages/eventlake/src/schema/health.js';
import { liveTables } from '../../packages/eventlake/src/schema/tables.js';
import type { Row } from '../../packages/eventlake/src/serving/serving.js';
import { alertsOf } from '../../scripts/grafana/alerts.js';
import { openServing } from '../jobs/lake.js';
import { ask } from './plugin.js';

let opened: Awaited<ReturnType<typeof openServing>>;
const tables = [...liveTables(pipeline), ...healthTables];
beforeAll(async () => {
  opened = await openServing();
  await opened.serving.ensure(tables);
});
afterAll(() => opened?.close());

const minutesAgo = (n: number) => new Date(Date.now() - n * 60_000).toISOString();

/** A stage's report: what it had done and what waited for it, so many minutes ago. */
function report(stage: string, ago: number, numbers: Row = {}): Row {
  return {
    reported_at: minutesAgo(ago),
    stage,
    rows: 0,
    lag: 0,
    quarantined: 0,
    duplicates: 0,
    last_batch_at: minutesAgo(ago),
    ...numbers,
  };
}

function found(ago: number, status: string): Row {
  return {
    checked_at: minutesAgo(ago),
    check_name: 'realtime = silver',
    left_count: 1,
    right_count: 1,
    difference: 0,
    status,
  };
}

const events = (ago: number): Row => ({
  window_start: minutesAgo(ago),
  window_end: minutesAgo(ago - 1),
  event_type: 'click',
  event_count: 3,
});

interface Case {
  table: string;
  quiet: Record<string, Row[]>;
  firing: Record<string, Row[]>;
}

const CASES: Record<string, Case> = {
  'eventlake-no-data': {
    table: 'realtime.events_per_minute',
    quiet: { 'events now': [events(1)] },
    firing: { 'no events ever': [], 'events an hour ago': [events(60)] },
  },
  'eventlake-no-report': {
    table: pipelineHealth.name,
    quiet: { 'a report just now': [report('log', 0.1)] },
    firing: { 'none ever': [], 'one long ago': [report('log', 10)] },
  },
  'eventlake-lag': {
    table: pipelineHealth.name,
    quiet: {
      'nothing at all': [],
      'nothing arrives': [report('fast-agg', 4, { rows: 9 }), report('fast-agg', 1, { rows: 9 })],
      'much waits, and more is done': [
        report('fast-agg', 4, { rows: 0, lag: 5000 }),
        report('fast-agg', 1, { rows: 100_000, lag: 50_000 }),
      ],
      'a batch stage waits for its hour': [report('bronze-to-silver', 1, { lag: 1_000_000 })],
    },
    firing: {
      'it stands still': [
        report('raw-landing', 4, { rows: 10, lag: 1 }),
        report('raw-landing', 1, { rows: 10, lag: 9 }),
      ],
      'more waits than was done': [
        report('fast-agg', 4, { rows: 0, lag: 0 }),
        report('fast-agg', 1, { rows: 100_000, lag: 200_000 }),
      ],
    },
  },
  'eventlake-overdue': {
    table: pipelineHealth.name,
    quiet: {
      'nothing waits': [report('silver-to-gold', 1, { lag: 0, last_batch_at: minutesAgo(600) })],
      'within its schedule': [report('silver-to-gold', 1, { lag: 5, last_batch_at: minutesAgo(70) })],
    },
    firing: {
      'rows have waited for hours': [report('silver-to-gold', 1, { lag: 5, last_batch_at: minutesAgo(200) })],
    },
  },
  'eventlake-quarantine': {
    table: pipelineHealth.name,
    quiet: {
      'nothing at all': [],
      'one broken record while hardly anything arrives': [
        report('raw-landing', 9, { rows: 5, quarantined: 0 }),
        report('raw-landing', 1, { rows: 6, quarantined: 1 }),
      ],
      'much long ago': [
        report('raw-landing', 9, { rows: 1000, quarantined: 900 }),
        report('raw-landing', 1, { rows: 2000, quarantined: 901 }),
      ],
    },
    firing: {
      'a tenth of what came': [
        report('raw-landing', 9, { rows: 1000, quarantined: 0 }),
        report('raw-landing', 1, { rows: 1900, quarantined: 100 }),
      ],
      'all of it': [
        report('bronze-to-silver', 9, { rows: 1000, quarantined: 0 }),
        report('bronze-to-silver', 1, { rows: 1000, quarantined: 50 }),
      ],
    },
  },
  'eventlake-verify': {
    table: pipelineChecks.name,
    quiet: {
      'never verified': [],
      'the newest run is green': [found(90, 'mismatch'), found(1, 'ok'), found(1, 'skipped')],
    },
    firing: { 'the newest run is red': [found(90, 'ok'), found(1, 'mismatch')] },
  },
  'eventlake-unverified': {
    table: pipelineChecks.name,
    quiet: { 'never verified': [], 'verified an hour ago': [found(60, 'ok')] },
    firing: { 'verified half a day ago': [found(700, 'ok')] },
  },
};

test('every rule has cases here', () => {
  expect(Object.keys(CASES).sort()).toEqual(
    alertsOf(pipeline)
      .map(({ uid }) => uid)
      .sort(),
  );
});

describe.each(alertsOf(pipeline))('$title', ({ uid, sql, fires }) => {
  const { table, quiet, firing } = CASES[uid]!;
  beforeEach(() => opened.serving.publish(table, []));

  async function fire(rows: readonly Row[]): Promise<boolean> {
    await opened.serving.insert(table, rows, `${uid}/${Math.random()}`);
    const answer = await ask(opened.serving.url, sql);
    // What the rule compares is one number, whatever the tables hold.
    expect(answer).toEqual([{ value: expect.any(Number) }]);
    const value = answer[0]!.value as number;
    return fires.when === 'above' ? value > fires.bound : value < fires.bound;
  }

  test.each(Object.entries(quiet))('is quiet: %s', async (_, rows) => {
    expect(await fire(rows)).toBe(false);
  });

  test.each(Object.entries(firing))('fires: %s', async (_, rows) => {
    expect(await fire(rows)).toBe(true);
  });
});

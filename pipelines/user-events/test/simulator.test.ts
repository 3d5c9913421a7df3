import type { RecordBatch, SimulateOptions } from 'eventlake';
import { EventlakeError } from 'eventlake';
import { describe, expect, test } from 'vitest';
import pipeline, { type UserEvent } from '../src/index.js';
import { simulate } from '../src/simulator/simulate.js';

const startMs = Date.UTC(2026, 0, 1);
const calm: SimulateOptions = {
  seed: 1,
  startMs,
  users: 500,
  duplicates: 0,
  malformed: 0,
  late: 0,
  outOfOrder: 0,
};
const badDay: SimulateOptions = { ...calm, duplicates: 0.1, malformed: 0.1, late: 0.1, outOfOrder: 0.1 };

test('the pipeline brings the simulator along', () => {
  expect(pipeline.simulate).toBe(simulate);
});

describe('the same seed and start give the same bytes', () => {
  test('call by call', () => {
    expect(bytesOf(run(badDay, [3000])).equals(bytesOf(run(badDay, [3000])))).toBe(true);
  });

  test('however the calls are cut, while the pace is kept', () => {
    expect(bytesOf(run(badDay, [1, 999, 500, 1500])).equals(bytesOf(run(badDay, [3000])))).toBe(true);
  });

  test('another seed gives other events, also one that differs in its high bits alone', () => {
    const seeds = [1, 2, 1 + 2 ** 32].map((seed) => bytesOf(run({ ...calm, seed }, [10])).toString());
    expect(new Set(seeds).size).toBe(3);
  });
});

describe('people behave', () => {
  const events = parse(run(calm, [50_000]));

  test('fields are in their order, with microseconds and offset', () => {
    const [first] = records(run(calm, [1]));
    expect(first).toMatch(
      /^\{"event_id":"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}","user_id":\d+,"event_type":"login","page":"\/login","timestamp":"2026-01-01T00:00:00\.\d{6}\+00:00","source":"(web|mobile)"\}$/,
    );
  });

  test('who is there has logged in, from one source, and is gone after the logout', () => {
    const inside = new Map<number, string>();
    for (const { user_id, event_type, source } of events) {
      const user = user_id!;
      if (event_type === 'login') inside.set(user, source);
      else expect(inside.get(user)).toBe(source);
      if (event_type === 'logout') inside.delete(user);
    }
  });

  test('most events are clicks, a few are purchases, and each page is visited by its popularity', () => {
    const share = (type: string) => events.filter((e) => e.event_type === type).length / events.length;
    expect(share('click')).toBeGreaterThan(0.6);
    expect(share('purchase')).toBeGreaterThan(0.01);
    expect(share('purchase')).toBeLessThan(0.05);
    const clicks = events.filter((e) => e.event_type === 'click');
    const visits = (page: string) => clicks.filter((e) => e.page === page).length;
    expect(visits('/')).toBeGreaterThan(5 * visits('/product/5'));
    expect(visits('/product/180')).toBeGreaterThan(0);
  });

  test('time goes forward, from the start to where it was told to', () => {
    const times = events.map((event) => event.timestamp);
    expect([...times].sort()).toEqual(times);
    expect(times[0]! >= '2026-01-01T00:00:00' && times.at(-1)! < '2026-01-01T00:00:50').toBe(true);
  });

  test('ids are all different, users are those of the shop, and the key is the event type', () => {
    const batch = run(calm, [50_000]);
    expect(new Set(events.map((event) => event.event_id)).size).toBe(events.length);
    expect(events.every(({ user_id }) => user_id! >= 1 && user_id! <= calm.users)).toBe(true);
    expect(batch.flatMap((b) => b.keys)).toEqual(events.map((event) => event.event_type));
  });

  test('one user is enough', () => {
    expect(parse(run({ ...calm, users: 1 }, [100])).every((event) => event.user_id === 1)).toBe(true);
  });
});

describe('bad days come by dial', () => {
  const count = 40_000;

  test('duplicates: an id again, mostly the whole event again', () => {
    const all = records(run({ ...calm, duplicates: 0.2 }, [count]));
    const ids = new Set(all.map((json) => (JSON.parse(json) as UserEvent).event_id));
    expect((count - ids.size) / count).toBeCloseTo(0.2, 1);
    expect(new Set(all).size).toBeGreaterThan(ids.size);
  });

  test('late: beyond window and watermark, some by days', () => {
    const behindMs = behind(parse(run({ ...calm, late: 0.2 }, [count])));
    expect(behindMs.filter((ms) => ms > 180_000).length / count).toBeCloseTo(0.2, 1);
    expect(behindMs.some((ms) => ms > 86_400_000)).toBe(true);
  });

  test('out of order: within the watermark', () => {
    const behindMs = behind(parse(run({ ...calm, outOfOrder: 0.2 }, [count])));
    expect(behindMs.filter((ms) => ms > 0).length / count).toBeCloseTo(0.2, 1);
    expect(Math.max(...behindMs)).toBeLessThan(120_000);
  });

  test('malformed: what is no JSON is there in its share', () => {
    const broken = records(run({ ...calm, malformed: 0.5 }, [count])).filter((json) => !isJson(json));
    expect(broken.length / count).toBeGreaterThan(0.1);
  });

  test('a dial that is no share, or more than everything, is refused', () => {
    const attempts = [
      { late: -0.1 },
      { malformed: 1.1 },
      { duplicates: Number.NaN },
      { late: 0.6, malformed: 0.6 },
    ];
    for (const dials of [...attempts, { users: 0 }, { users: 1.5 }]) {
      expect(() => simulate({ ...calm, ...dials })).toThrow(EventlakeError);
    }
  });
});

/** Batches of these sizes, one event a millisecond. */
function run(options: SimulateOptions, counts: readonly number[]): RecordBatch[] {
  const simulation = simulate(options);
  let untilMs = options.startMs;
  return counts.map((count) => {
    untilMs += count;
    return simulation.next(count, untilMs);
  });
}

function records(batches: readonly RecordBatch[]): string[] {
  return batches.flatMap(({ count, values, bounds }) =>
    Array.from({ length: count }, (_, i) =>
      Buffer.from(values.subarray(bounds[i], bounds[i + 1])).toString(),
    ),
  );
}

function parse(batches: readonly RecordBatch[]): UserEvent[] {
  return records(batches).map((json) => JSON.parse(json) as UserEvent);
}

function bytesOf(batches: readonly RecordBatch[]): Buffer {
  return Buffer.concat(batches.map((batch) => batch.values));
}

/** How far each event lies behind the highest event time before it. */
function behind(events: readonly UserEvent[]): number[] {
  let highest = 0;
  return events.map((event) => {
    const ms = Date.parse(event.timestamp);
    highest = Math.max(highest, ms);
    return highest - ms;
  });
}

function isJson(json: string): boolean {
  try {
    JSON.parse(json);
    return true;
  } catch {
    return false;
  }
}

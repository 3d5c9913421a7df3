import pipeline from '@eventlake/user-events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Serving } from '../../packages/eventlake/src/serving/serving.js';
import { verify } from '../../packages/eventlake/src/verify/verify.js';
import { loseRecords, red, toLive } from '../verify/ledger.js';
import { event, records, type ShopEvent } from './events.js';
import { landed, toGold, toSilver } from './gold.js';
import { type Holes, withHoles } from './holes.js';
import { Crash, type Lake, openLake, openServing } from './lake.js';
import { land } from './landing.js';
import { dropLive } from './live.js';

const { topic } = pipeline.event;
const events = (from: number, to: number, other: Partial<ShopEvent> = {}) =>
  Array.from({ length: to - from }, (_, i) => event(from + i, other));

let serving: Serving;
let closeServing: () => Promise<void>;
let lake: Lake;
const holes: Holes = new Set();
beforeAll(async () => {
  ({ serving, close: closeServing } = await openServing());
});
afterAll(() => closeServing());
beforeEach(async () => {
  await dropLive(serving);
  holes.clear();
  lake = await openLake({ serving, partitions: 2, log: withHoles(holes) });
});
afterEach(() => lake.close());

const goOn = () => {
  lake.context.settings.onDataLoss = 'continue';
};
const append = (some: readonly (ShopEvent | string)[]) => lake.append(records(some));
const allJobs = async () => {
  await land(lake.context);
  await toLive(lake);
  await toSilver(lake);
  await toGold(lake);
};

async function gaps(): Promise<Record<string, unknown>[]> {
  const session = await lake.context.engine.open();
  try {
    await session.readTable('gaps', 'bronze.user_events_gaps');
    return await session.query(
      'SELECT log_batch, log_partition, from_offset, to_offset, records, reason FROM gaps ORDER BY log_batch, reason, log_partition, from_offset',
    );
  } finally {
    await session.close();
  }
}

/** Of those that are opened from now on, how many are not closed. */
function sessionsLeft({ context: { engine } }: Lake): () => number {
  let left = 0;
  const { open } = engine;
  engine.open = async () => {
    const session = await open.call(engine);
    left++;
    const { close } = session;
    session.close = () => close.call(session).finally(() => left--);
    return session;
  };
  return () => left;
}

async function green(): Promise<string[]> {
  const report = await verify(lake.context, { deep: true });
  expect(red(report), JSON.stringify(report.checks, null, 1)).toEqual([]);
  return report.checks.filter(({ status }) => status === 'skipped').map(({ check }) => check);
}

async function makeAnew(partitions = 2): Promise<void> {
  await lake.context.log.deleteTopic(topic);
  await lake.context.log.createTopic(topic, { partitions });
}

describe('offsets that hold no record', () => {
  test('are recorded as runs, and the ledger balances', async () => {
    await append(events(0, 40));
    const { partitions } = await lake.context.log.topic(topic);
    const places = partitions.flatMap(({ partition, endOffset }) =>
      Array.from({ length: endOffset }, (_, offset) => `${partition}/${offset}`),
    );
    const last = partitions.map(({ partition, endOffset }) => `${partition}/${endOffset - 1}`);
    const ofOne = (partition: number, ...offsets: number[]) =>
      offsets.map((offset) => `${partition}/${offset}`);
    for (const hole of [...ofOne(0, 0, 1, 4), ...ofOne(1, 5), ...last]) holes.add(hole);
    expect(places).toEqual(expect.arrayContaining([...holes]));
    await allJobs();
    const runs = (await gaps()).map(
      ({ log_partition, from_offset, to_offset, records: n }) =>
        `${log_partition}/${from_offset}-${to_offset}: ${n}`,
    );
    const [end0, end1] = partitions.map(({ endOffset }) => endOffset);
    expect(runs).toEqual([
      '0/0-2: 2',
      '0/4-5: 1',
      `0/${end0! - 1}-${end0}: 1`,
      '1/5-6: 1',
      `1/${end1! - 1}-${end1}: 1`,
    ]);
    expect((await gaps()).every(({ reason }) => reason === 'no-record')).toBe(true);
    expect(await green()).toEqual([]);
  });

  test('cost no commit where there are none', async () => {
    await append(events(0, 5));
    await land(lake.context);
    expect((await lake.context.engine.tableState('bronze.user_events_gaps')).version).toBe(0);
  });

  test('are recorded once, wherever a batch is broken off', async () => {
    await append(events(0, 20));
    holes.add('0/2').add('1/3');
    for (const step of ['after-prepare', 'after-gaps-commit', 'after-commit']) {
      lake.crash.at = `raw-landing:${step}`;
      await land(lake.context).catch((error) => expect(error).toBeInstanceOf(Crash));
    }
    await land(lake.context);
    expect(await gaps()).toHaveLength(2);
  });

  test('a partition of nothing but holes is passed all the same', async () => {
    await append(events(0, 4, { event_type: 'click' }));
    for (let offset = 0; offset < 4; offset++) holes.add(`0/${offset}`).add(`1/${offset}`);
    await allJobs();
    expect(await gaps()).toMatchObject([{ from_offset: 0, to_offset: 4, reason: 'no-record' }]);
    await green();
  });
});

describe('records that retention took unread', () => {
  test('stop both jobs, which say how many, where, and what can be done', async () => {
    await allJobs();
    await loseRecords(lake, events(0, 10));
    for (const run of [() => land(lake.context), () => toLive(lake)]) {
      await expect(run()).rejects.toMatchObject({
        kind: 'data-loss',
        message: expect.stringMatching(/10 records are gone.*partition 0: offsets 0 to/),
        where: { topic, partition: 0, offset: 0 },
        hint: expect.stringContaining('--on-data-loss continue'),
      });
    }
    expect(await gaps()).toEqual([]);
  });

  test('are recorded where both jobs are told to go on, and every ledger balances', async () => {
    await landed(events(0, 20))(lake);
    await toLive(lake);
    await loseRecords(lake, events(20, 30));
    await append(events(30, 50));
    goOn();
    await allJobs();
    const rows = await gaps();
    expect(rows.reduce((sum, row) => sum + Number(row.records), 0)).toBe(10);
    expect(new Set(rows.map(({ reason }) => reason))).toEqual(new Set(['lost']));
    expect(await green()).toEqual([]);
    await append(events(50, 60));
    await allJobs();
    expect(await gaps()).toEqual(rows);
    expect(await green()).toEqual([]);
  });

  test('are recorded although nothing came after them', async () => {
    await append(events(0, 20));
    await allJobs();
    await loseRecords(lake, events(20, 30));
    goOn();
    await allJobs();
    expect((await gaps()).reduce((sum, row) => sum + Number(row.records), 0)).toBe(10);
    expect(await green()).toEqual([]);
  });

  test('are counted from bronze by fast-agg, where they had landed: then nothing is lost at all', async () => {
    await landed(events(0, 20))(lake);
    await toLive(lake);
    await landed(events(20, 40))(lake);
    await loseRecords(lake, []);
    await append(events(40, 50));
    await allJobs();
    expect(await gaps()).toEqual([]);
    expect(await green()).toEqual([]);
  });

  test('and that were counted live before they could land leave a bound, which verify names', async () => {
    await landed(events(0, 20))(lake);
    await append(events(20, 30));
    await toLive(lake);
    await loseRecords(lake, []);
    goOn();
    await allJobs();
    expect(await green()).toEqual(['realtime = silver, the newest minutes', 'realtime, minute by minute']);
    const report = await verify(lake.context);
    const line = report.checks.find(({ check }) => check === 'realtime = silver');
    expect(line?.detail).toContain('of up to 10 more nobody can know');
  });

  test('of a batch that was planned and broken off: what is left of it lands', async () => {
    await append([...events(0, 20), '{"broken"', '[]']);
    lake.crash.at = 'raw-landing:after-quarantine-commit';
    await expect(land(lake.context)).rejects.toThrow(Crash);
    await loseRecords(lake, []);
    await append(events(20, 30));
    const left = sessionsLeft(lake);
    await expect(land(lake.context)).rejects.toMatchObject({ kind: 'data-loss' });
    expect(left()).toBe(0);
    goOn();
    await allJobs();
    // The two broken ones were set aside before the crash.
    expect((await gaps()).reduce((sum, row) => sum + Number(row.records), 0)).toBe(20);
    await green();
  });

  test.each(['after-quarantine-commit', 'after-gaps-commit', 'after-commit', 'after-plan'])(
    'are recorded once, with a crash at %s in between',
    async (step) => {
      await append(events(0, 20));
      lake.crash.at = 'raw-landing:after-plan';
      await expect(land(lake.context)).rejects.toThrow(Crash);
      await loseRecords(lake, ['{"broken"']);
      goOn();
      lake.crash.at = `raw-landing:${step}`;
      await land(lake.context).catch((error) => expect(error).toBeInstanceOf(Crash));
      await append(events(30, 40));
      await allJobs();
      expect((await gaps()).reduce((sum, row) => sum + Number(row.records), 0)).toBe(21);
      await green();
    },
  );
});

test('a fast-agg that had finished starts again although its last records have left the log', async () => {
  await append(events(0, 20));
  await allJobs();
  await loseRecords(lake, []);
  await append(events(20, 30));
  await allJobs();
  expect(await green()).toEqual([]);
});

describe('a topic that was made anew', () => {
  test('stops both jobs', async () => {
    await append(events(0, 20));
    await allJobs();
    await makeAnew();
    for (const run of [() => land(lake.context), () => toLive(lake)]) {
      await expect(run()).rejects.toMatchObject({
        kind: 'data-loss',
        message: expect.stringContaining('made anew'),
        hint: expect.stringContaining('--on-data-loss continue'),
      });
    }
  });

  test('is gone on with, with other partitions too, and every ledger balances', async () => {
    await append(events(0, 20));
    await allJobs();
    await append(events(20, 30));
    await makeAnew(3);
    await append([...events(30, 60), event(0)]);
    goOn();
    await allJobs();
    expect(await gaps()).toMatchObject([
      { log_batch: 2, log_partition: 0, records: 0, reason: 'recreated' },
      { log_batch: 2, log_partition: 1, records: 0, reason: 'recreated' },
    ]);
    expect(await green()).toEqual([]);
    await append(events(60, 70));
    await allJobs();
    expect(await green()).toEqual([]);
  });

  test('what had landed of the old one is counted live before the new one is', async () => {
    await append(events(0, 20));
    await allJobs();
    await landed(events(20, 40))(lake);
    await makeAnew();
    await append(events(40, 50));
    goOn();
    await allJobs();
    expect(await green()).toEqual([]);
  });
});

test('a partition that ends before the position is gone on with from its end', async () => {
  await append(events(0, 20));
  await allJobs();
  const { log } = lake.context;
  const { topicId } = await log.topic(topic);
  await log.deleteTopic(topic);
  await log.createTopic(topic, { partitions: 2 });
  // The same topic, restored from an older copy.
  const real = log.topic.bind(log);
  lake.context.log.topic = async (name) => ({ ...(await real(name)), topicId });
  await append(events(0, 6));
  await expect(land(lake.context)).rejects.toMatchObject({
    kind: 'data-loss',
    message: expect.stringContaining('cut off or restored from an older copy'),
  });
  goOn();
  await allJobs();
  await append(events(30, 45));
  await allJobs();
  expect(await gaps()).toMatchObject([{ reason: 'truncated' }, { reason: 'truncated' }]);
  await green();
});

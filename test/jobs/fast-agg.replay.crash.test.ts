import { beforeEach, expect, it } from 'vitest';
import { fastAgg } from '../../packages/eventlake/src/jobs/fast-agg.js';
import { runJob } from '../../packages/eventlake/src/jobs/loop.js';
import { loseRecords } from '../verify/ledger.js';
import { atEveryCrashPoint } from './crashes.js';
import { click, event, records } from './events.js';
import { type Lake, NOON_MS, openLake, servingOfFile } from './lake.js';
import { land } from './landing.js';
import { countLive, dropLive, liveOf } from './live.js';

const MINUTE_MS = 60_000;
const serving = await servingOfFile();
beforeEach(() => dropLive(serving));

it('a batch that breaks off anywhere is finished by the next start, once', async () => {
  const passed = await atEveryCrashPoint(
    'fast-agg',
    { serving, partitions: 2 },
    [
      () => dropLive(serving),
      (lake) => lake.append(records([event(4), event(5), event(6, { event_type: 'login' })])),
      (lake) => countLive(lake),
      (lake) => lake.append(records([click(7, 4), click(8, 0), event(10), event(12)])),
      (lake) => countLive(lake),
    ],
    () => liveOf(serving),
    (seen, undisturbed, where) => expect(seen, where).toEqual(undisturbed),
    true,
  );
  expect([...passed]).toHaveLength(7);
}, 300_000);

it('makes the live tables anew, the same ones, from bronze and the log, wherever it is broken off', async () => {
  const fill = async (lake: Lake) => {
    lake.clock.ms = NOON_MS + 20 * MINUTE_MS;
    await lake.append(records([click(1, 10), click(2, 8), click(3, 1), event(4), '{"broken"']));
    await countLive(lake);
    await land(lake.context);
    // What has landed and was counted leaves the log.
    await loseRecords(lake, []);
    await lake.append(records([click(5, 11), click(6, 2), event(7, { event_type: 'login' })]));
    await countLive(lake);
  };
  const anew = (lake: Lake) =>
    runJob(fastAgg(lake.context, { fullRefresh: true }), lake.context, { intervalMs: 1, once: true });
  const options = { serving, partitions: 1 };
  const lake = await openLake(options);
  await fill(lake);
  const before = await liveOf(serving);
  await lake.close();
  const passed = await atEveryCrashPoint(
    'fast-agg',
    options,
    [() => dropLive(serving), fill, anew, (lake) => countLive(lake)],
    () => liveOf(serving),
    (seen, undisturbed, where) => {
      expect(seen, where).toEqual(undisturbed);
      expect(undisturbed).toEqual(before);
    },
  );
  for (const point of ['before-reset', 'after-reset-plan', 'after-reset'])
    expect(passed).toContain(`fast-agg:${point}`);
}, 300_000);

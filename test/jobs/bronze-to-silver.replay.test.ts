import { expect, it } from 'vitest';
import { bronzeToSilver } from '../../packages/eventlake/src/jobs/bronze-to-silver.js';
import { runJob } from '../../packages/eventlake/src/jobs/loop.js';
import { atEveryCrashPoint } from './crashes.js';
import { event, records, type ShopEvent } from './events.js';
import type { Lake } from './lake.js';
import { land } from './landing.js';
import { layerOf } from './tables.js';

const arrive = (events: readonly (ShopEvent | string)[]) => async (lake: Lake) => {
  await lake.append(records(events));
  await land(lake.context);
};
const toSilver = (mode: 'merge' | 'overwrite') => (lake: Lake) => {
  lake.context.settings.bronzeToSilver.mode = mode;
  return runJob(bronzeToSilver(lake.context), lake.context, { intervalMs: 1, once: true });
};
const first = [event(1), event(2), event(1), event(3, { source: 'fridge' }), '{"broken'];
const second = [event(2), event(4), event(5, { user_id: 'x' })];

it.each(['merge', 'overwrite'] as const)(
  'a batch (%s) that breaks off anywhere is finished by the next start, once',
  async (mode) => {
    const passed = await atEveryCrashPoint(
      'bronze-to-silver',
      {},
      [arrive(first), toSilver('merge'), arrive(second), toSilver(mode)],
      (lake) => layerOf(lake.context, 'silver'),
      (seen, undisturbed, at) => expect(seen, at).toEqual(undisturbed),
    );
    expect(passed).toEqual(
      new Set([
        'bronze-to-silver:before-plan',
        'bronze-to-silver:after-plan',
        'bronze-to-silver:after-quarantine-commit',
        'bronze-to-silver:after-duplicates-commit',
        'bronze-to-silver:after-commit',
        'bronze-to-silver:after-index',
      ]),
    );
  },
);

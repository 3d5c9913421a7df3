import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bronzeToSilver } from '../../packages/eventlake/src/jobs/bronze-to-silver.js';
import { runJob } from '../../packages/eventlake/src/jobs/loop.js';
import type { PipelineDefinition } from '../../packages/eventlake/src/schema/definition.js';
import { atEveryCrashPoint } from './crashes.js';
import { event, records, type ShopEvent } from './events.js';
import { Crash, type Lake, openLake } from './lake.js';
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

describe('where a batch was set aside in part, and the rules have changed since', () => {
  let lake: Lake;
  let former: PipelineDefinition;
  beforeEach(async () => {
    lake = await openLake();
    former = lake.context.pipeline;
    await arrive(first)(lake);
    lake.crash.at = 'bronze-to-silver:after-quarantine-commit';
    await expect(toSilver('merge')(lake)).rejects.toThrow(Crash);
    lake.context.pipeline = withFridges(former);
  });
  afterEach(() => lake.close());

  const rowsOf = async (table: string) => (await layerOf(lake.context, 'silver'))[`silver.${table}`];

  it('it is refused, until the former rules are back', async () => {
    await expect(toSilver('merge')(lake)).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('silver.user_events_quarantine got 1 rows of batch 1'),
      hint: expect.stringContaining('--full-refresh'),
    });
    expect(await rowsOf('user_events')).toEqual([]);
    lake.context.pipeline = former;
    await toSilver('merge')(lake);
    expect(await rowsOf('user_events')).toHaveLength(2);
    expect(await rowsOf('user_events_quarantine')).toHaveLength(1);
  });

  it('a full refresh makes silver anew, by the new rules', async () => {
    const job = bronzeToSilver(lake.context, { fullRefresh: true });
    await runJob(job, lake.context, { intervalMs: 1, once: true });
    expect(await rowsOf('user_events')).toHaveLength(3);
    expect(await rowsOf('user_events_quarantine')).toEqual([]);
  });
});

function withFridges(pipeline: PipelineDefinition): PipelineDefinition {
  const { fields } = pipeline.event;
  const source = { ...fields.source!, values: [...fields.source!.values!, 'fridge'] };
  return { ...pipeline, event: { ...pipeline.event, fields: { ...fields, source } } };
}

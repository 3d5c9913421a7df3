import { memoryStore, type Store } from '@eventlake/delta';
import { beforeEach, describe, expect, test } from 'vitest';
import { PLANS_KEPT, type Plan, type PlanStore } from '../../packages/eventlake/src/batch/plan.js';
import { openPlanStore } from '../../packages/eventlake/src/batch/plan-store.js';

interface Input {
  upTo: number;
}

let store: Store;
let plans: PlanStore<Input>;
beforeEach(() => {
  store = memoryStore();
  plans = openPlanStore<Input>(store, 'raw-landing', 'user-events');
});

const plan = (batch: number, instance = 'one'): Plan<Input> => ({
  job: 'raw-landing',
  topic: 'user-events',
  batch,
  plannedAt: '2025-03-10T12:00:00.000Z',
  instance,
  input: { upTo: batch * 10 },
});

describe('plans', () => {
  test('a job that never planned has none', async () => {
    expect(await plans.newest()).toBeUndefined();
    await expect(plans.get(1)).rejects.toMatchObject({ kind: 'not-found', where: { batch: 1 } });
  });

  test('come back as they were made, the newest by number', async () => {
    for (let batch = 1; batch <= 12; batch++) await plans.put(plan(batch));
    expect(await plans.newest()).toEqual(plan(12));
    expect(await plans.get(9)).toEqual(plan(9));
  });

  test('lie where people look for them, and jobs do not see each other’s', async () => {
    await plans.put(plan(7));
    const path = 'checkpoints/raw-landing/user-events/00000000000000000007.json';
    expect(JSON.parse(Buffer.from(await store.get(path)).toString())).toEqual(plan(7));
    expect(await openPlanStore(store, 'raw-landing', 'user-events-2').newest()).toBeUndefined();
    expect(await openPlanStore(store, 'fast-agg', 'user-events').newest()).toBeUndefined();
  });

  test('are forgotten up to a number', async () => {
    for (let batch = 1; batch <= 5; batch++) await plans.put(plan(batch));
    await plans.forget(4);
    await expect(plans.get(3)).rejects.toMatchObject({ kind: 'not-found' });
    expect(await plans.get(4)).toEqual(plan(4));
  });

  test('that are not what they should be are refused', async () => {
    const path = 'checkpoints/raw-landing/user-events/00000000000000000001.json';
    await store.put(path, Buffer.from('{"job":"raw-landing"'));
    await expect(plans.newest()).rejects.toMatchObject({ kind: 'corrupt', where: { file: path } });
    await store.put(path, Buffer.from(JSON.stringify(plan(2))));
    await expect(plans.newest()).rejects.toMatchObject({ kind: 'corrupt' });
  });
});

describe('the fence', () => {
  test('of two instances one plans a batch, and the other is told', async () => {
    const results = await Promise.allSettled([plans.put(plan(1, 'one')), plans.put(plan(1, 'two'))]);
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused.map(({ reason }) => reason.kind)).toEqual(['fenced']);
  });

  test('the same plan again is no rival: its first answer may have been lost', async () => {
    await plans.put(plan(1));
    await plans.put(plan(1));
    expect(await plans.newest()).toEqual(plan(1));
  });

  test('holds for an instance that slept until its batch was made and forgotten', async () => {
    for (let batch = 1; batch <= 5; batch++) await plans.put(plan(batch));
    await plans.forget(5);
    await expect(plans.put(plan(3, 'sleeper'))).rejects.toMatchObject({ kind: 'fenced' });
    expect(await plans.newest()).toEqual(plan(5));
    await expect(plans.get(3)).rejects.toMatchObject({ kind: 'not-found' });
  });

  test('an instance that is overtaken the moment it has planned leaves the plan, which others have executed', async () => {
    const sleeper = overtaken(async () => {
      for (let batch = 2; batch <= 101; batch++) await plans.put(plan(batch));
    });
    await expect(sleeper.put(plan(1, 'sleeper'))).rejects.toMatchObject({ kind: 'fenced' });
    expect(await plans.get(1)).toEqual(plan(1, 'sleeper'));
  });

  test('a place is free again as well where the plan after it is the oldest that is kept', async () => {
    for (let batch = 1; batch <= 150; batch++) await plans.put(plan(batch));
    await plans.forget(150 - PLANS_KEPT);
    await expect(plans.put(plan(49, 'sleeper'))).rejects.toMatchObject({ kind: 'fenced' });
    await expect(plans.get(49)).rejects.toMatchObject({ kind: 'not-found' });
    expect(await plans.get(50)).toEqual(plan(50));
  });
});

/** The plans of an instance that sleeps after it has put one. */
function overtaken(meanwhile: () => Promise<void>): PlanStore<Input> {
  const putIfAbsent = async (path: string, bytes: Uint8Array) => {
    const isNew = await store.putIfAbsent(path, bytes);
    await meanwhile();
    return isNew;
  };
  return openPlanStore<Input>({ ...store, putIfAbsent }, 'raw-landing', 'user-events');
}

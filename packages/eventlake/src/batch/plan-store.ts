import { type Store, StoreError } from '@eventlake/delta';
import { EventlakeError } from '../errors.js';
import { PLANS_KEPT, type Plan, type PlanStore } from './plan.js';

/** The plans of one job and topic, below `checkpoints/` in the store of the tables. */
export function openPlanStore<Input>(store: Store, job: string, topic: string): PlanStore<Input> {
  const folder = `checkpoints/${job}/${topic}/`;
  const pathOf = (batch: number) => `${folder}${String(batch).padStart(BATCH_DIGITS, '0')}.json`;

  async function get(batch: number): Promise<Plan<Input>> {
    try {
      return parsePlan<Input>(await store.get(pathOf(batch)), pathOf(batch), { job, batch });
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== 'not-found') throw error;
      throw new EventlakeError('not-found', `${job} has no plan ${batch}`, { job, topic, batch });
    }
  }

  /** In order. */
  async function batches(): Promise<number[]> {
    const found: number[] = [];
    for await (const { path } of store.list(folder)) {
      const batch = batchOf(path);
      if (batch !== undefined) found.push(batch);
    }
    return found;
  }

  return {
    get,

    async newest() {
      const batch = (await batches()).at(-1);
      return batch === undefined ? undefined : get(batch);
    },

    async put(plan) {
      const path = pathOf(plan.batch);
      const bytes = Buffer.from(JSON.stringify(plan));
      const landed = (await store.putIfAbsent(path, bytes)) || bytes.equals(await store.get(path));
      if (!landed) throw fenced(plan, plan.batch);
      const found = await batches();
      const newest = found.at(-1);
      if (newest === plan.batch) return;
      if (wasForgotten(plan.batch, found)) await store.delete(path);
      throw fenced(plan, newest ?? plan.batch);
    },

    async forget(before) {
      for await (const { path } of store.list(folder)) {
        const batch = batchOf(path);
        if (batch !== undefined && batch < before) await store.delete(path);
      }
    },
  };
}

/**
 * Whether a place that was just taken had been taken before: an instance that slept through the life and removal of
 * plan N finds its place free again, and what it puts there nobody has executed. Plans are forgotten from the oldest
 * on, so that N + 1 is gone as well, or kept as the last one. Otherwise another instance has gone on from this very plan.
 */
function wasForgotten(batch: number, found: readonly number[]): boolean {
  return !found.includes(batch + 1) || found.at(-1)! - batch > PLANS_KEPT;
}

const BATCH_DIGITS = 20;

function batchOf(path: string): number | undefined {
  const match = /\/(\d{20})\.json$/.exec(path);
  return match ? Number(match[1]) : undefined;
}

function parsePlan<Input>(
  bytes: Uint8Array,
  file: string,
  where: { job: string; batch: number },
): Plan<Input> {
  let plan: Partial<Plan<Input>> | null;
  try {
    plan = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<Plan<Input>> | null;
  } catch {
    plan = null;
  }
  if (plan?.job !== where.job || plan.batch !== where.batch || plan.input === undefined) {
    throw new EventlakeError('corrupt', `${file} is not plan ${where.batch} of ${where.job}`, {
      ...where,
      file,
    });
  }
  return plan as Plan<Input>;
}

function fenced(plan: Plan<unknown>, newest: number): EventlakeError {
  const { job, topic, batch } = plan;
  return new EventlakeError(
    'fenced',
    `Another instance of ${job} has planned batch ${newest}`,
    { job, topic, batch },
    'One instance of a job works at a time. Stop one of them, or let this one stand by.',
  );
}

import { setTimeout as delay } from 'node:timers/promises';
import type { Plan } from '../batch/plan.js';
import { openPlanStore } from '../batch/plan-store.js';
import type { LiveInput } from '../jobs/fast-agg.js';
import type { JobContext } from '../jobs/job.js';
import type { Passed } from '../jobs/passed.js';

/**
 * What the live tables held while they were read: at least the events before `settled`, at most those before `begun`.
 * The two are the same unless a batch was being inserted all the while.
 */
export interface LiveReading<T> {
  value: T;
  settled: Passed;
  begun: Passed;
  batch: number;
}

export function isSettled({ settled, begun }: LiveReading<unknown>): boolean {
  return settled.topicId === begun.topicId && String(settled.position) === String(begun.position);
}

const SETTLE_MS = 2_000;
const RETRY_MS = 15;

/**
 * Reads the live tables at a moment when no batch is half in. A batch that never ends (its process was killed, or the
 * next one begins at once) is not waited for: then the reading lies between two positions.
 * @returns undefined where fast-agg has counted nothing yet.
 */
export async function readLive<T>(
  context: JobContext,
  read: () => Promise<T>,
): Promise<LiveReading<T> | undefined> {
  const { store, log, pipeline } = context;
  const { topic } = pipeline.event;
  const plans = openPlanStore<LiveInput>(store, 'fast-agg', topic);
  const deadlineMs = performance.now() + SETTLE_MS;
  for (;;) {
    const before = await plans.newest();
    if (!before) return undefined;
    const positions = await log.positions('fast-agg', topic);
    const value = await read();
    const after = (await plans.newest()) ?? before;
    const settled = isAt(positions, before) && after.batch === before.batch;
    if (settled || performance.now() > deadlineMs) {
      return {
        value,
        settled: settled ? after.input : { ...before.input, position: beginOf(before) },
        begun: after.input,
        batch: after.batch,
      };
    }
    await delay(RETRY_MS);
  }
}

/** Of partitions that came after the plan nothing has been taken. */
function isAt(positions: readonly number[] | undefined, { input }: Plan<LiveInput>): boolean {
  return positions?.every((offset, partition) => offset === (input.position[partition] ?? 0)) ?? false;
}

function beginOf({ input }: Plan<LiveInput>): number[] {
  const begin = [...input.position];
  for (const { partition, from } of input.ranges) begin[partition] = from;
  return begin;
}

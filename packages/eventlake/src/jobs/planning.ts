import { randomUUID } from 'node:crypto';
import type { Plan } from '../batch/plan.js';
import type { JobContext, JobName } from './job.js';

/** The plan after batch `last` (undefined: the first), made by this process now. */
export function newPlan<Input>(
  context: JobContext,
  job: JobName,
  last: number | undefined,
  input: Input,
): Plan<Input> {
  const trace = context.traceparent?.();
  return {
    job,
    topic: context.pipeline.event.topic,
    batch: (last ?? 0) + 1,
    plannedAt: new Date(context.now()).toISOString(),
    instance,
    ...(trace === undefined ? {} : { trace }),
    input,
  };
}

const instance = randomUUID();

import type { Predicate } from '@eventlake/delta';
import type { Plan } from '../batch/plan.js';
import { openPlanStore } from '../batch/plan-store.js';
import type { EngineSession } from '../engine/engine.js';
import { EventlakeError } from '../errors.js';
import type { OffsetRange } from '../log/event-log.js';
import type { EventDefinition } from '../schema/definition.js';
import { bronzeTables } from '../schema/tables.js';
import type { JobContext } from './job.js';
import { between, common } from './offset-sets.js';
import { withinBatches, withinRanges } from './predicates.js';
import type { LandingInput } from './raw-landing.js';

/** Offsets that raw-landing has passed of one life of a topic: until it was made anew, or cut off. */
export interface LandedLife {
  topicId: string;
  start: readonly number[];
  passed: OffsetRange[];
  /** Exclusive. */
  fromBatch: number;
  /** Inclusive. */
  toBatch: number;
}

/** The newest plan whose rows are in bronze; undefined where nothing has landed yet. */
export async function landedPlan({
  pipeline,
  engine,
  store,
}: Pick<JobContext, 'pipeline' | 'engine' | 'store'>): Promise<Plan<LandingInput> | undefined> {
  const { event } = pipeline;
  const state = await engine
    .tableState(bronzeTables(event).events.name, `raw-landing/${event.topic}`)
    .catch(notThere);
  if (state?.txnVersion === undefined) return undefined;
  return openPlanStore<LandingInput>(store, 'raw-landing', event.topic).get(state.txnVersion);
}

/** The lives of the topic up to a plan of raw-landing, the oldest first. */
export function landedLives({ batch, input }: Plan<LandingInput>): LandedLife[] {
  const { topicId, start, position, earlier = [] } = input;
  const lives = [...earlier, { topicId, start, position, toBatch: batch }];
  return lives.map((life, i) => ({
    topicId: life.topicId,
    start: life.start,
    passed: between(life.start, life.position),
    fromBatch: lives[i - 1]?.toBatch ?? 0,
    toBatch: life.toBatch,
  }));
}

/** The newest life of the topic under this id, as far as it has landed. */
export async function landedLife(
  context: Pick<JobContext, 'pipeline' | 'engine' | 'store'>,
  topicId: string,
): Promise<LandedLife | undefined> {
  const plan = await landedPlan(context);
  return plan && landedLives(plan).findLast((life) => life.topicId === topicId);
}

/** Bronze's rows of a life of the topic, within ranges of it. */
export function withinLife({ fromBatch, toBatch }: LandedLife, ranges: readonly OffsetRange[]): Predicate {
  return {
    and: [
      { column: 'log_batch', op: '>', value: fromBatch },
      { column: 'log_batch', op: '<=', value: toBatch },
      withinRanges(ranges),
    ],
  };
}

/** What of a life was removed from the log before it landed, by the table of gaps. */
export async function lostInLife(
  session: EngineSession,
  event: EventDefinition,
  { fromBatch, toBatch }: LandedLife,
): Promise<OffsetRange[]> {
  await session.readTable('gaps_of_life', bronzeTables(event).gaps.name, {
    where: withinBatches(fromBatch, toBatch),
  });
  const rows = await session.query<{ log_partition: number; from_offset: number; to_offset: number }>(
    `SELECT log_partition, from_offset, to_offset FROM gaps_of_life WHERE reason IN ('lost', 'recreated')`,
  );
  return rows.map(({ log_partition: partition, from_offset: from, to_offset: to }) => ({
    partition,
    from,
    to,
  }));
}

/** The same, of ranges: nobody can know what was there. */
export async function lostWithin(
  { pipeline, engine }: Pick<JobContext, 'pipeline' | 'engine'>,
  life: LandedLife,
  ranges: readonly OffsetRange[],
): Promise<OffsetRange[]> {
  const session = await engine.open();
  try {
    return common(ranges, await lostInLife(session, pipeline.event, life));
  } finally {
    await session.close();
  }
}

function notThere(error: unknown): undefined {
  if (error instanceof EventlakeError && error.kind === 'not-found') return undefined;
  throw error;
}

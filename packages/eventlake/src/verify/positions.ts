import type { Plan } from '../batch/plan.js';
import { openPlanStore } from '../batch/plan-store.js';
import { EventlakeError } from '../errors.js';
import type { SilverInput } from '../jobs/bronze-to-silver.js';
import { commitOrder, type GoldInput } from '../jobs/gold-tables.js';
import type { JobContext } from '../jobs/job.js';
import { landedPlan } from '../jobs/landed.js';
import type { LandingInput } from '../jobs/raw-landing.js';
import { silverTables } from '../schema/tables.js';

/** How far each step has come by its own commits; undefined: it has committed nothing yet. */
export interface Positions {
  gold: Plan<GoldInput> | undefined;
  silver: Plan<SilverInput> | undefined;
  landing: Plan<LandingInput> | undefined;
}

/** What follows is read first: what comes before it is then at least as far. */
export async function readPositions({ pipeline, engine, store }: JobContext): Promise<Positions> {
  const { event } = pipeline;
  async function at<Input>(table: string, job: string): Promise<Plan<Input> | undefined> {
    const state = await engine.tableState(table, `${job}/${event.topic}`).catch(notThere);
    if (state?.txnVersion === undefined) return undefined;
    return openPlanStore<Input>(store, job, event.topic).get(state.txnVersion);
  }
  const gold = await at<GoldInput>(commitOrder(pipeline.gold).at(-1)!.name, 'silver-to-gold');
  const silver = await at<SilverInput>(silverTables(event).events.name, 'bronze-to-silver');
  const landing = await landedPlan({ pipeline, engine, store });
  return { gold, silver, landing };
}

function notThere(error: unknown): undefined {
  if (error instanceof EventlakeError && error.kind === 'not-found') return undefined;
  throw error;
}

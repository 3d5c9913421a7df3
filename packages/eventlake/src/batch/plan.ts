/**
 * The planned batch, the one mechanism for exactly-once.
 *
 * 1. Plan: `checkpoints/<job>/<topic>/<N>.json` is put if absent, before anything is computed. Two instances cannot both
 *    plan N: that is the fence. A loser is `fenced` and stands by.
 * 2. Compute: from the plan alone, so that a retry computes the same.
 * 3. Commit: every table takes the batch's rows under `txn(<job>/<topic>, N)`, over a smaller number only; the main table
 *    last. A restart replays the newest plan, and the tables that have it skip it. Plan N + 1 is made only after every
 *    commit of N, so at most the newest plan is unfinished.
 * 4. Plans are kept until nobody needs them (`forget`).
 */
export interface PlanStore<Input> {
  /** The newest plan, or undefined where the job never planned. */
  newest(): Promise<Plan<Input> | undefined>;
  /** Plan N. @throws EventlakeError `not-found`. */
  get(batch: number): Promise<Plan<Input>>;
  /** Puts plan N if absent. @throws EventlakeError `fenced` where another instance has planned N. */
  put(plan: Plan<Input>): Promise<void>;
  /** Removes plans before N. */
  forget(before: number): Promise<void>;
}

/** Another job or `verify` that has just read a position looks its plan up a moment later. */
export const PLANS_KEPT = 100;

export interface Plan<Input> {
  job: string;
  topic: string;
  /** 1, 2, 3 … */
  batch: number;
  /** ISO 8601 in UTC; the batch's only clock: ingestion_timestamp, processed_timestamp, updated_at come from it. */
  plannedAt: string;
  /** Tells two instances' equal plans apart. */
  instance: string;
  /** The trace that planned it, as W3C's traceparent, for the traces that follow from it to link to. */
  trace?: string;
  input: Input;
}

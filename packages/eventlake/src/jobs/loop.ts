import { DeltaError, StoreError } from '@eventlake/delta';
import { openPlanStore } from '../batch/plan-store.js';
import { EventlakeError } from '../errors.js';
import type { BatchReport, Job, JobContext, StreamingJob } from './job.js';
import { sleep } from './sleep.js';

export interface LoopOptions {
  /** A streaming job's commit interval, a batch job's schedule: from one start to the next. */
  intervalMs: number;
  /** Until caught up, then return. A trouble that might pass is thrown instead of waited for. */
  once?: boolean;
  onBatch?(report: BatchReport): void;
  /**
   * An instance that was overtaken stands by, and takes over when the other one has planned nothing for so long, three
   * intervals at least. Undefined: it ends.
   */
  standbyAfterMs?: number | undefined;
  /** A batch failed, and is tried again after a while. */
  onFailure?(error: unknown): void;
}

/**
 * Runs a job until the context's signal, or `once` until it has caught up.
 * - A streaming job runs whenever records lie beyond its position, its batches `intervalMs` apart.
 * - A batch job runs as soon as there is something to do, and then on its schedule.
 *
 * A stop comes between durable steps; what is planned by then is replayed by the next start. A full disk or a server
 * that is away is waited for: nothing is lost meanwhile.
 * @throws EventlakeError `fenced` where another instance of the job planned a batch first, unless it is to stand by.
 */
export async function runJob(job: Job, context: JobContext, options: LoopOptions): Promise<void> {
  const run = options.once ? catchUp : isStreaming(job) ? follow : onSchedule;
  let failures = 0;
  while (!context.signal.aborted) {
    try {
      await job.recover();
      await run(job, context, options, () => {
        failures = 0;
      });
      return;
    } catch (error) {
      if (context.signal.aborted && isAbort(error)) return;
      if (!options.once && isFenced(error) && options.standbyAfterMs !== undefined) {
        await standBy(job, context, Math.max(options.standbyAfterMs, 3 * options.intervalMs));
        continue;
      }
      if (options.once || !mayPass(error)) throw error;
      failures += 1;
      options.onFailure?.(error);
      const waitMs = Math.min(500 * 2 ** (failures - 1), BACKOFF_MAX_MS);
      context.logger.error({ job: job.name, err: error, waitMs }, `${job.name} waits for better times`);
      await sleep(waitMs, context.signal);
    }
  }
}

/**
 * Until the active instance has planned nothing for `afterMs`: it is gone, or has nothing to do, and then whoever plans
 * next is the active one. Nobody needs to agree on it, since only one can plan a batch.
 */
async function standBy(job: Job, { store, pipeline, logger, signal }: JobContext, afterMs: number) {
  logger.info({ job: job.name, afterMs }, `${job.name} stands by: another instance is active`);
  const plans = openPlanStore<unknown>(store, job.name, pipeline.event.topic);
  let last: number | undefined;
  for (let sinceMs = performance.now(); performance.now() - sinceMs < afterMs && !signal.aborted; ) {
    const batch = await plans.newest().then(
      (plan) => plan?.batch,
      () => last,
    );
    if (batch !== last) sinceMs = performance.now();
    last = batch;
    await sleep(Math.min(1_000, afterMs / 4), signal);
  }
  if (!signal.aborted) logger.info({ job: job.name }, `${job.name} takes over`);
}

function isFenced(error: unknown): boolean {
  return error instanceof EventlakeError && error.kind === 'fenced';
}

const BACKOFF_MAX_MS = 30_000;
/** How often a batch job that found nothing to do at its start looks again. */
const FIRST_LOOK_MS = 250;
const IDLE_WAIT_MS = 30_000;

type Run = (job: Job, context: JobContext, options: LoopOptions, progressed: () => void) => Promise<void>;

const catchUp: Run = async (job, context, options, progressed) => {
  while (!context.signal.aborted) {
    const report = await runBatch(job, context, options);
    if (!report) return;
    progressed();
    // While producers go on there is always something new: what was there at the last plan is what counts.
    if (report.more === false) return;
  }
};

const follow: Run = async (job, context, options, progressed) => {
  let nextMs = Number.NEGATIVE_INFINITY;
  while (!context.signal.aborted) {
    await recordsBeyond(job as StreamingJob, context);
    await sleep(nextMs - performance.now(), context.signal);
    if (context.signal.aborted) return;
    const startedMs = performance.now();
    const report = await runBatch(job, context, options);
    if (report) progressed();
    nextMs = report?.more ? startedMs : startedMs + options.intervalMs;
  }
};

const onSchedule: Run = async (job, context, options, progressed) => {
  let everRan = false;
  while (!context.signal.aborted) {
    const startedMs = performance.now();
    for (;;) {
      const report = await runBatch(job, context, options);
      if (!report) break;
      everRan = true;
      progressed();
      if (!report.more || context.signal.aborted) break;
    }
    const nextMs = startedMs + (everRan ? options.intervalMs : Math.min(FIRST_LOOK_MS, options.intervalMs));
    await sleep(nextMs - performance.now(), context.signal);
  }
};

async function runBatch(
  job: Job,
  context: JobContext,
  options: LoopOptions,
): Promise<BatchReport | undefined> {
  const report = await job.runBatch();
  if (!report) return undefined;
  const level = isStreaming(job) ? 'debug' : 'info';
  context.logger[level](
    report,
    `${job.name} batch ${report.batch}: ${report.rowsIn} in, ${report.rowsOut} out`,
  );
  options.onBatch?.(report);
  await maintain(job, context);
  return report;
}

/** What is put off is done after a later batch: a trouble here must not stop the job. */
async function maintain(job: Job, context: JobContext): Promise<void> {
  if (context.signal.aborted) return;
  try {
    await job.maintain();
  } catch (error) {
    if (isAbort(error) && context.signal.aborted) return;
    context.logger.warn({ job: job.name, err: error }, `${job.name}: maintenance is put off`);
  }
}

async function recordsBeyond(job: StreamingJob, { log, pipeline, signal }: JobContext): Promise<void> {
  await log.waitForRecords(pipeline.event.topic, job.position(), { timeoutMs: IDLE_WAIT_MS, signal });
}

function isStreaming(job: Job): job is StreamingJob {
  return 'position' in job;
}

function mayPass(error: unknown): boolean {
  // Busy is a table that somebody changed while a batch was computed for it: the next attempt sees it as it is now.
  if (error instanceof EventlakeError) return error.kind === 'unavailable' || error.kind === 'busy';
  if (error instanceof StoreError) return error.kind === 'unavailable' || error.kind === 'full';
  if (error instanceof DeltaError) return error.kind === 'contention';
  return error instanceof Error && FULL_DISK.has((error as NodeJS.ErrnoException).code ?? '');
}

const FULL_DISK = new Set(['ENOSPC', 'EDQUOT']);

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

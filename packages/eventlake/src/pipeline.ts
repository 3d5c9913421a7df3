import type { Settings } from './config.js';
import { reportHealth } from './health.js';
import type { BatchReport, Job, JobContext, JobName } from './jobs/job.js';
import { runJob } from './jobs/loop.js';
import type { Tracing } from './tracing/tracing.js';

interface Stage {
  intervalMs(settings: Settings): number;
  load(): Promise<(context: JobContext, options: { fullRefresh: boolean }) => Job>;
}

/**
 * The main flow: log → bronze → silver → gold, and log → live. Each stage is a job that a process of its own runs, and
 * loads its code then.
 */
const STAGES: Readonly<Record<JobName, Stage>> = {
  'raw-landing': {
    intervalMs: ({ rawLanding }) => rawLanding.commitIntervalMs,
    load: async () => (await import('./jobs/raw-landing.js')).rawLanding,
  },
  'bronze-to-silver': {
    intervalMs: ({ bronzeToSilver }) => bronzeToSilver.intervalMs,
    load: async () => (await import('./jobs/bronze-to-silver.js')).bronzeToSilver,
  },
  'silver-to-gold': {
    intervalMs: ({ silverToGold }) => silverToGold.intervalMs,
    load: async () => (await import('./jobs/silver-to-gold.js')).silverToGold,
  },
  'fast-agg': {
    intervalMs: ({ fastAgg }) => fastAgg.commitIntervalMs,
    load: async () => (await import('./jobs/fast-agg.js')).fastAgg,
  },
};

export interface StageOptions {
  /** Until caught up, then return. */
  once: boolean;
  /** Makes the stage's tables anew from everything that came before. */
  fullRefresh: boolean;
  onBatch(report: BatchReport): void;
  /** A batch failed, and is tried again after a while. */
  onFailure?(error: unknown): void;
  /** Where batches go as traces. */
  tracing?: Tracing | undefined;
}

/** Runs a stage until the context's signal, or `once` until it has caught up. */
export async function runStage(name: JobName, context: JobContext, options: StageOptions): Promise<void> {
  const stage = STAGES[name];
  const makeJob = await stage.load();
  const traced =
    options.tracing && (await import('./tracing/trace-batches.js')).traceBatches(context, options.tracing);
  const made = makeJob(traced?.context ?? context, { fullRefresh: options.fullRefresh });
  const job = traced?.trace(made) ?? made;
  // It always runs and always has ClickHouse at hand.
  const health = name === 'fast-agg' ? reportHealth(context) : undefined;
  try {
    await runJob(job, context, {
      intervalMs: stage.intervalMs(context.settings),
      once: options.once,
      standbyAfterMs: context.settings.standbyAfterMs,
      onBatch: options.onBatch,
      ...(options.onFailure ? { onFailure: options.onFailure } : {}),
    });
  } finally {
    await health?.stop();
  }
}

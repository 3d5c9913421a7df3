import { randomUUID } from 'node:crypto';
import type { JobContext } from './jobs/job.js';
import { healthTables, pipelineChecks, pipelineHealth } from './schema/health.js';
import type { Row } from './serving/serving.js';
import { type Status, statusReader } from './status.js';
import type { VerifyReport } from './verify/report.js';

export interface HealthReports {
  /** Ends the reports, after a last one unless the process was told to stop. */
  stop(): Promise<void>;
}

/** So often at most, whatever the load. */
const REPORT_EVERY_MS = 10_000;

/**
 * Tells ClickHouse how far all stages have come, so that a dashboard needs no other source. One process reports for all
 * of them: a job that is down cannot tell that it lags. That a report is missing tells that this process is down.
 *
 * Best effort: what cannot be told now is told ten seconds later, and the job goes on.
 */
export function reportHealth(context: JobContext, everyMs = REPORT_EVERY_MS): HealthReports {
  const { pipeline, store, log, logger, signal } = context;
  const reader = statusReader({ pipeline, store, log: async () => log });
  const token = `health/${randomUUID()}`;
  let reports = 0;
  let running: Promise<void> | undefined;

  async function report(): Promise<void> {
    try {
      const serving = await context.serving();
      if (reports === 0) await serving.ensure(healthTables);
      const rows = healthRows(await reader.read(), context.now());
      reports += 1;
      await serving.insert(pipelineHealth.name, rows, `${token}/${reports}`);
    } catch (error) {
      if (!signal.aborted) logger.warn({ err: error }, 'the health of the pipeline could not be reported');
    }
  }

  const timer = setInterval(() => {
    // One at a time: a slow ClickHouse gets fewer reports, not a queue of them.
    running ??= report().finally(() => {
      running = undefined;
    });
  }, everyMs);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await running;
      if (!signal.aborted) await report();
    },
  };
}

/** Keeps what a verification found, for dashboards and alerts. */
export async function recordChecks(context: JobContext, { checks }: VerifyReport): Promise<void> {
  const serving = await context.serving();
  await serving.ensure(healthTables);
  const checkedAt = new Date(context.now()).toISOString();
  const rows = checks.map(({ check, left, right, difference, status }) => ({
    checked_at: checkedAt,
    check_name: check,
    left_count: left,
    right_count: right,
    difference,
    status,
  }));
  await serving.insert(pipelineChecks.name, rows, `verify/${randomUUID()}`);
}

function healthRows({ log, stages }: Status, nowMs: number): Row[] {
  const reported_at = new Date(nowMs).toISOString();
  const none = { lag: 0, quarantined: 0, duplicates: 0, last_batch_at: 0 };
  return [
    { ...none, reported_at, stage: 'log', rows: log?.appended ?? 0 },
    ...stages.map(({ stage, rows, lag, quarantined = 0, duplicates = 0, lastBatch }) => ({
      reported_at,
      stage,
      rows,
      lag,
      quarantined,
      duplicates,
      last_batch_at: lastBatch?.plannedAt ?? 0,
    })),
  ];
}

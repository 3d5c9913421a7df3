import { memoryStore } from '@eventlake/delta';
import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { openPlanStore } from '../../packages/eventlake/src/batch/plan-store.js';
import { EventlakeError } from '../../packages/eventlake/src/errors.js';
import type { BatchReport, Job, JobContext } from '../../packages/eventlake/src/jobs/job.js';
import { runJob } from '../../packages/eventlake/src/jobs/loop.js';

const context = (signal: AbortSignal = new AbortController().signal) =>
  ({ signal, logger: pino({ level: 'silent' }) }) as unknown as JobContext;

/** A batch job whose batches are given: a report, nothing, or a trouble. */
function jobOf(batches: (Partial<BatchReport> | undefined | Error)[]): Job & { calls: string[] } {
  const calls: string[] = [];
  let batch = 0;
  return {
    name: 'bronze-to-silver',
    calls,
    async recover() {
      calls.push('recover');
    },
    async runBatch() {
      const next = batches.shift();
      calls.push('batch');
      if (next instanceof Error) throw next;
      if (!next) return undefined;
      batch += 1;
      return { job: 'bronze-to-silver', batch, rowsIn: 1, rowsOut: 1, durationMs: 1, ...next };
    },
    async maintain() {
      calls.push('maintain');
    },
  };
}

describe('the loop of a job', () => {
  it('recovers first and runs batches until nothing is new, maintaining between them', async () => {
    const job = jobOf([{}, {}, undefined, {}]);
    await runJob(job, context(), { intervalMs: 60_000, once: true });
    expect(job.calls).toEqual(['recover', 'batch', 'maintain', 'batch', 'maintain', 'batch']);
  });

  it('has caught up when a batch took all that was there, though more has come since', async () => {
    const job = jobOf([{ more: true }, { more: false }, {}]);
    await runJob(job, context(), { intervalMs: 60_000, once: true });
    expect(job.calls.filter((call) => call === 'batch')).toHaveLength(2);
  });

  it('works through a backlog without waiting for its schedule, then stops at the signal', async () => {
    const stop = new AbortController();
    const job = jobOf([undefined, { more: true }, { more: true }, {}]);
    await runJob(job, context(stop.signal), {
      intervalMs: 3_600_000,
      onBatch: ({ batch }) => batch === 3 && stop.abort(),
    });
    expect(job.calls.filter((call) => call === 'batch')).toHaveLength(4);
  });

  it('recovers and goes on after a trouble that passes', async () => {
    const stop = new AbortController();
    const job = jobOf([new EventlakeError('unavailable', 'the disk is full'), {}]);
    await runJob(job, context(stop.signal), { intervalMs: 10, onBatch: () => stop.abort() });
    expect(job.calls).toEqual(['recover', 'batch', 'recover', 'batch']);
  });

  it('waits for space on a disk that is full, whoever says so', async () => {
    const stop = new AbortController();
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    await runJob(jobOf([full, {}]), context(stop.signal), { intervalMs: 10, onBatch: () => stop.abort() });
  });

  it('ends when another instance was first, and with every trouble that does not pass', async () => {
    for (const kind of ['fenced', 'corrupt', 'data-loss'] as const) {
      const running = runJob(jobOf([new EventlakeError(kind, 'no')]), context(), { intervalMs: 10 });
      await expect(running).rejects.toMatchObject({ kind });
    }
    const once = runJob(jobOf([new EventlakeError('unavailable', 'no')]), context(), {
      intervalMs: 10,
      once: true,
    });
    await expect(once).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('stands by where it is told to, and takes over when the other one has planned nothing for a while', async () => {
    const store = memoryStore();
    const plans = openPlanStore<object>(store, 'bronze-to-silver', 'topic');
    const put = (batch: number) =>
      plans.put({
        job: 'bronze-to-silver',
        topic: 'topic',
        batch,
        plannedAt: '',
        instance: 'other',
        input: {},
      });
    const stop = new AbortController();
    const standing = {
      ...context(stop.signal),
      store,
      pipeline: { event: { topic: 'topic' } },
    } as unknown as JobContext;
    const job = jobOf([new EventlakeError('fenced', 'the other was first'), {}]);
    const running = runJob(job, standing, {
      intervalMs: 1,
      standbyAfterMs: 400,
      onBatch: () => stop.abort(),
    });
    let last = 0;
    while (last < 10) {
      await put(++last);
      // As long as the other one goes on, nothing is done here.
      expect(job.calls).toEqual(['recover', 'batch']);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await running;
    expect(job.calls).toEqual(['recover', 'batch', 'recover', 'batch']);
  });

  it('is not stopped by maintenance that fails', async () => {
    const job = jobOf([{}, {}, undefined]);
    job.maintain = async () => {
      throw new Error('compaction lost a race');
    };
    await runJob(job, context(), { intervalMs: 10, once: true });
    expect(job.calls.filter((call) => call === 'batch')).toHaveLength(3);
  });
});

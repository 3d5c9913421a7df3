import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { bronzeToSilver } from '../../packages/eventlake/src/jobs/bronze-to-silver.js';
import { fastAgg } from '../../packages/eventlake/src/jobs/fast-agg.js';
import type { BatchReport } from '../../packages/eventlake/src/jobs/job.js';
import { runJob } from '../../packages/eventlake/src/jobs/loop.js';
import { produce } from '../../packages/eventlake/src/jobs/producer.js';
import { rawLanding } from '../../packages/eventlake/src/jobs/raw-landing.js';
import { silverToGold } from '../../packages/eventlake/src/jobs/silver-to-gold.js';
import { verify } from '../../packages/eventlake/src/verify/verify.js';
import { openLake, servingOfFile } from '../jobs/lake.js';
import { red } from './ledger.js';

const serving = await servingOfFile();

it('verify is green at every moment while all jobs run, and when they have stopped anywhere', async () => {
  const lake = await openLake({ serving, partitions: 3 });
  const stop = new AbortController();
  const context = { ...lake.context, signal: stop.signal, now: Date.now };
  try {
    lake.clock.ms = Date.now();
    const ticking = setInterval(() => {
      lake.clock.ms = Date.now();
    }, 10);
    const bad = { duplicates: 0.05, malformed: 0.02, late: 0.05, outOfOrder: 0.1, users: 50 };
    const atWork = new Set<string>();
    const onBatch = ({ job }: BatchReport) => void atWork.add(job);
    const running = [
      produce(context, { ratePerSecond: 300, ...bad }),
      runJob(rawLanding(context), context, { intervalMs: 100, onBatch }),
      runJob(fastAgg(context), context, { intervalMs: 20, onBatch }),
      runJob(bronzeToSilver(context), context, { intervalMs: 300, onBatch }),
      runJob(silverToGold(context, { foldFilesMax: 2 }), context, { intervalMs: 300, onBatch }),
    ];
    while (atWork.size < 4) await delay(50);
    await delay(1000);
    for (let n = 0; n < 5; n++) {
      const report = await verify(lake.context, { deep: n === 4 });
      expect(red(report), JSON.stringify(report.checks, null, 1)).toEqual([]);
    }
    stop.abort();
    await Promise.all(running);
    clearInterval(ticking);
    const report = await verify(lake.context, { deep: true });
    expect(red(report), JSON.stringify(report.checks, null, 1)).toEqual([]);
    expect(report.checks.filter(({ status }) => status !== 'ok')).toEqual([]);
  } finally {
    stop.abort();
    await lake.close();
  }
}, 300_000);

/**
 * Our jobs on the topic, by either engine, in one process on new tables for each run: the first one is cold.
 *
 * `jiti bench/spark/ours.ts duckdb|spark <brokers> cold[,warm]`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { openComponents } from '../../packages/eventlake/dist/components.js';
import { loadSettings } from '../../packages/eventlake/dist/config.js';
import type { JobName } from '../../packages/eventlake/dist/jobs/job.js';
import { runStage } from '../../packages/eventlake/dist/pipeline.js';
import { treeCpuMs } from '../lib/machine.js';
import { startServer } from './server.js';

const [engine, brokers, runs = 'cold,warm'] = process.argv.slice(2) as ['duckdb' | 'spark', string, string?];
const work = mkdtempSync(join(tmpdir(), 'eventlake-bench-'));
const figures: Record<string, number> = {};

const startedMs = performance.now();
const server = engine === 'spark' ? await startServer(work) : undefined;
figures.startMs = performance.now() - startedMs;
try {
  for (const run of runs.split(',')) await measure(run);
} finally {
  server?.stop();
  rmSync(work, { recursive: true, force: true });
}
process.stdout.write(`${JSON.stringify(figures)}\n`);

async function measure(run: string): Promise<void> {
  const dataDir = join(work, run);
  const { settings } = await loadSettings({
    cwd: work,
    env: {
      EVENTLAKE_DATA_DIR: dataDir,
      EVENTLAKE_ENGINE: engine,
      EVENTLAKE_LOG_KAFKA_BROKERS: brokers,
      EVENTLAKE_LOG_KAFKA_GROUP_PREFIX: `bench-${process.pid}-${run}`,
      EVENTLAKE_CLICKHOUSE_PORT: '0',
      // One batch, as the reference has one.
      EVENTLAKE_RAW_LANDING_COMMIT_BYTES_MAX: String(2 ** 30),
      ...(server && { EVENTLAKE_SPARK_URL: server.url }),
    },
  });
  const components = await openComponents({
    settings,
    logger: pino({ level: 'silent' }),
    signal: new AbortController().signal,
    cwd: process.cwd(),
  });
  await components.serving();
  try {
    const stages: [string, JobName][] = [
      ['Raw', 'raw-landing'],
      ['Silver', 'bronze-to-silver'],
      ['Gold', 'silver-to-gold'],
      ['Nothing', 'bronze-to-silver'],
    ];
    for (const [name, stage] of stages) {
      const [beganMs, beganCpuMs] = [performance.now(), treeCpuMs(process.pid)];
      await runStage(stage, components, { once: true, fullRefresh: false, onBatch: () => {} });
      figures[`${run}${name}Ms`] = performance.now() - beganMs;
      figures[`${run}${name}CpuMs`] = treeCpuMs(process.pid) - beganCpuMs;
    }
    figures.silverRows = (await components.engine.tableState('silver.user_events')).recordCount;
  } finally {
    await components.close();
  }
}

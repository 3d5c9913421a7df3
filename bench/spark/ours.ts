/** Our jobs on the same topic, by either engine; twice in one process on new tables: cold, then warm. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { openComponents } from '../../packages/eventlake/dist/components.js';
import { loadSettings } from '../../packages/eventlake/dist/config.js';
import type { JobName } from '../../packages/eventlake/dist/jobs/job.js';
import { runStage } from '../../packages/eventlake/dist/pipeline.js';

const [engine, brokers] = process.argv.slice(2) as ['duckdb' | 'spark', string];
const work = mkdtempSync(join(tmpdir(), 'eventlake-bench-'));
const figures: Record<string, number> = {};

const startedMs = performance.now();
const server = engine === 'spark' ? await startServer() : undefined;
figures.startMs = performance.now() - startedMs;
try {
  for (const run of ['cold', 'warm']) await measure(run);
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
      const beganMs = performance.now();
      await runStage(stage, components, { once: true, fullRefresh: false, onBatch: () => {} });
      figures[`${run}${name}Ms`] = performance.now() - beganMs;
    }
    figures.silverRows = (await components.engine.tableState('silver.user_events')).recordCount;
  } finally {
    await components.close();
  }
}

/** As a child of this process, so that its memory is counted. */
function startServer(): Promise<{ url: string; stop(): void }> {
  const script = fileURLToPath(new URL('../../scripts/spark', import.meta.url));
  const child = spawn(script, ['run', '--dir', join(work, 'server'), '--port', '0', '--memory', '4g'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.on('close', (code) => reject(new Error(`the server ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, port] = /Spark Connect server started at: [\d.]+:(\d+)/.exec(line) ?? [];
      if (port) resolve({ url: `sc://127.0.0.1:${port}`, stop: () => child.kill('SIGKILL') });
    });
  });
}

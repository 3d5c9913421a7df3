import pino from 'pino';
import { openComponents } from '../../packages/eventlake/dist/components.js';
import { loadSettings } from '../../packages/eventlake/dist/config.js';
import type { JobName } from '../../packages/eventlake/dist/jobs/job.js';
import { runStage } from '../../packages/eventlake/dist/pipeline.js';

export interface StageCost {
  wallMs: number;
  /** Of this process, ClickHouse in it included. */
  cpuMs: number;
}

/** Runs the stages one after the other in this process, each until it has caught up. */
export async function runStages(
  dataDir: string,
  stages: readonly JobName[],
  { fullRefresh = false, env = {} }: { fullRefresh?: boolean; env?: Record<string, string> } = {},
): Promise<Record<string, StageCost>> {
  const { settings } = await loadSettings({
    cwd: dataDir,
    env: {
      EVENTLAKE_DATA_DIR: dataDir,
      EVENTLAKE_CLICKHOUSE_PORT: '0',
      // A prepared log may be older than what is kept by default.
      EVENTLAKE_LOG_RETENTION_HOURS: String(24 * 3660),
      ...env,
    },
  });
  const components = await openComponents({
    settings,
    logger: pino({ level: 'silent' }),
    signal: new AbortController().signal,
    cwd: process.cwd(),
  });
  if (stages.includes('silver-to-gold') || stages.includes('fast-agg')) await components.serving();
  const costs: Record<string, StageCost> = {};
  try {
    for (const stage of stages) {
      const [startedMs, cpu] = [performance.now(), process.cpuUsage()];
      await runStage(stage, components, { once: true, fullRefresh, onBatch: () => {} });
      const { user, system } = process.cpuUsage(cpu);
      costs[stage] = { wallMs: performance.now() - startedMs, cpuMs: (user + system) / 1000 };
    }
  } finally {
    await components.close();
  }
  return costs;
}

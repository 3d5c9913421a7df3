/**
 * raw-landing of all that is in the topic, twice in one process on new tables: cold, then warm, as the reference does it.
 * `ours-streaming.ts <brokers> <bytes a batch>`. Prints its figures.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { openComponents } from '../../packages/eventlake/dist/components.js';
import { loadSettings } from '../../packages/eventlake/dist/config.js';
import { runStage } from '../../packages/eventlake/dist/pipeline.js';

const [brokers = '', batchBytes = ''] = process.argv.slice(2);
const work = mkdtempSync(join(tmpdir(), 'eventlake-bench-'));
const figures: Record<string, number> = { rows: 0, batches: 0, startMs: performance.now() };
try {
  for (const run of ['cold', 'warm']) await land(run);
} finally {
  rmSync(work, { recursive: true, force: true });
}
const { user, system } = process.cpuUsage();
process.stdout.write(`${JSON.stringify({ ...figures, cpuSeconds: (user + system) / 1e6 })}\n`);

async function land(run: string): Promise<void> {
  const startedMs = performance.now();
  const { settings } = await loadSettings({
    cwd: work,
    env: {
      EVENTLAKE_DATA_DIR: join(work, run),
      EVENTLAKE_LOG_KAFKA_BROKERS: brokers,
      EVENTLAKE_LOG_KAFKA_GROUP_PREFIX: `bench-${process.pid}-${run}`,
      EVENTLAKE_RAW_LANDING_COMMIT_BYTES_MAX: batchBytes,
    },
  });
  const components = await openComponents({
    settings,
    logger: pino({ level: 'silent' }),
    signal: new AbortController().signal,
    cwd: process.cwd(),
  });
  let [rows, batches] = [0, 0];
  const onBatch = ({ rowsIn }: { rowsIn: number }) => {
    rows += rowsIn;
    batches++;
  };
  await runStage('raw-landing', components, { once: true, fullRefresh: false, onBatch });
  await components.close();
  Object.assign(figures, { rows, batches, [`${run}Ms`]: performance.now() - startedMs });
}

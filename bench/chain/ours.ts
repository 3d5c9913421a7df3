/** The chain of jobs over a log that is filled: every table committed durably, the KPIs published to ClickHouse. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { openComponents } from '../../packages/eventlake/dist/components.js';
import { loadSettings } from '../../packages/eventlake/dist/config.js';
import { runStage } from '../../packages/eventlake/dist/pipeline.js';

const logDir = process.argv[2]!;
const dataDir = mkdtempSync(join(tmpdir(), 'eventlake-chain-'));
cpSync(logDir, join(dataDir, 'log'), { recursive: true });
const { settings } = await loadSettings({
  cwd: dataDir,
  env: { EVENTLAKE_DATA_DIR: dataDir, EVENTLAKE_CLICKHOUSE_PORT: '0' },
});
const components = await openComponents({
  settings,
  logger: pino({ level: 'silent' }),
  signal: new AbortController().signal,
  cwd: process.cwd(),
});
await components.serving();

const figures: Record<string, number> = {};
const begin = performance.now();
let last = begin;
for (const [stage, figure] of [
  ['raw-landing', 'bronzeMs'],
  ['bronze-to-silver', 'silverMs'],
  ['silver-to-gold', 'goldMs'],
] as const) {
  await runStage(stage, components, { once: true });
  figures[figure] = performance.now() - last;
  last = performance.now();
}
figures.totalMs = last - begin;
await components.close();
rmSync(dataDir, { recursive: true });
process.stdout.write(`${JSON.stringify(figures)}\n`);

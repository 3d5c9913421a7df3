/**
 * bronze-to-silver and silver-to-gold over a copy of a prepared data folder: what has landed since, or everything anew.
 *
 * `jiti bench/incremental/step.ts <folder> increment|rebuild`
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runStages } from '../prepare/stages.js';

const [prepared, mode] = [process.argv[2]!, process.argv[3]!];
const dataDir = mkdtempSync(join(dirname(prepared), 'step-'));
try {
  // Files of tables are never written again, so links to them are as good as copies; ClickHouse's are.
  execFileSync('cp', ['-al', join(prepared, 'lakehouse'), dataDir]);
  execFileSync('cp', ['-a', join(prepared, 'clickhouse'), dataDir]);
  const { 'bronze-to-silver': silver, 'silver-to-gold': gold } = await runStages(
    dataDir,
    ['bronze-to-silver', 'silver-to-gold'],
    { fullRefresh: mode === 'rebuild' },
  );
  const figures = {
    wallMs: silver!.wallMs + gold!.wallMs,
    cpuMs: silver!.cpuMs + gold!.cpuMs,
    silverWallMs: silver!.wallMs,
    goldWallMs: gold!.wallMs,
    silverCpuMs: silver!.cpuMs,
    goldCpuMs: gold!.cpuMs,
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
} finally {
  rmSync(dataDir, { recursive: true });
}

/**
 * By hand: a standalone master with two workers on this machine, and the tables of so many events in silver and gold, computed
 * by executors that share nothing with the driver or with us but a folder. `verify` recounts everything afterwards.
 *
 * `jiti bench/spark/cluster.ts [events=10000000]`
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { preparedLog } from '../prepare/prepared.js';
import { rewind } from '../prepare/rewind.js';
import { runStages } from '../prepare/stages.js';

const events = Number(process.argv[2] ?? 10_000_000);
const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'eventlake-cluster-'));
const dataDir = join(work, 'data');
const cluster = ['--dir', join(work, 'cluster')];
const run = (script: string, args: string[]) =>
  execFileSync(path(script), args, { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' }).trim();

try {
  cpSync(preparedLog(events), join(dataDir, 'log'), { recursive: true });
  await rewind(join(dataDir, 'log'));
  report('raw-landing, DuckDB', await runStages(dataDir, ['raw-landing']));
  const url = run('scripts/spark', ['start', ...cluster, '--port', '0', '--workers', '2']);
  const env = { EVENTLAKE_ENGINE: 'spark', EVENTLAKE_SPARK_URL: url };
  report('two workers', await runStages(dataDir, ['bronze-to-silver', 'silver-to-gold'], { env }));
  // An executor is a folder of its worker.
  report('executors', {
    worker1: readdirSync(join(work, 'cluster/work1')),
    worker2: readdirSync(join(work, 'cluster/work2')),
  });
  const flags = ['--deep', '--data-dir', dataDir];
  process.stdout.write(run('packages/eventlake/bin/eventlake.js', ['verify', ...flags]));
} finally {
  run('scripts/spark', ['stop', ...cluster, '--kill']);
  rmSync(work, { recursive: true, force: true });
}

function report(what: string, value: unknown): void {
  process.stdout.write(`${what} ${JSON.stringify(value)}\n`);
}

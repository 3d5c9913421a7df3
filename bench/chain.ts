/**
 * Claims: log → bronze → silver → gold reaches at least 70 % of the speed of DuckDB doing the same SQL on the same records
 * by hand, and the peak memory of the process tree stays under 1.5 GB at 5 M events, and no more at 20 M.
 *
 * `jiti bench/chain.ts [events] [rounds]`
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mb, median, medianOf, publish, runRounds } from './lib/rounds.js';

const events = Number(process.argv[2] ?? 1_000_000);
const rounds = Number(process.argv[3] ?? 5);
const script = (name: string) => fileURLToPath(new URL(`./chain/${name}.ts`, import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'eventlake-bench-'));
const [logDir, lines] = [join(folder, 'log'), join(folder, 'lines')];
execFileSync('npx', ['jiti', script('prepare'), logDir, lines, String(events)], { stdio: 'inherit' });
const raw = await runRounds(
  [
    { name: 'eventlake', script: script('ours'), args: [logDir] },
    { name: 'duckdb-by-hand', script: script('by-hand'), args: [lines] },
  ],
  rounds,
);
rmSync(folder, { recursive: true });

const speed = (name: string) => Math.round(events / (medianOf(raw, name, 'totalMs') / 1000));
const peak = (name: string) =>
  mb(median(raw.filter((round) => round.case === name).map((round) => round.peakMemoryBytes)));
publish(
  `chain-${events}`,
  {
    events,
    eventlakeEventsPerSecond: speed('eventlake'),
    byHandEventsPerSecond: speed('duckdb-by-hand'),
    ratio: speed('eventlake') / speed('duckdb-by-hand'),
    eventlakePeakMb: peak('eventlake'),
    byHandPeakMb: peak('duckdb-by-hand'),
  },
  raw,
);

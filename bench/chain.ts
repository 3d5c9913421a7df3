/**
 * Claim: log → bronze → silver → gold reaches at least 70 % of the speed of DuckDB doing the same SQL on the same records
 * by hand. (Memory is another claim's: see `memory.ts`.)
 *
 * `jiti bench/chain.ts [events=1000000] [rounds=5]`
 */
import { fileURLToPath } from 'node:url';
import { mb, median, medianOf, publish, runRounds } from './lib/rounds.js';
import { preparedLines, preparedLog } from './prepare/prepared.js';

const events = Number(process.argv[2] ?? 1_000_000);
const rounds = Number(process.argv[3] ?? 5);
const script = (name: string) => fileURLToPath(new URL(`./chain/${name}.ts`, import.meta.url));

const raw = await runRounds(
  [
    { name: 'eventlake', script: script('ours'), args: [preparedLog(events)] },
    { name: 'duckdb-by-hand', script: script('by-hand'), args: [preparedLines(events)] },
  ],
  rounds,
);

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
    /** CPU time by hand over ours: steadier than the clock beside other work. */
    cpuRatio: medianOf(raw, 'duckdb-by-hand', 'cpuMs') / medianOf(raw, 'eventlake', 'cpuMs'),
    eventlakePeakMb: peak('eventlake'),
    byHandPeakMb: peak('duckdb-by-hand'),
  },
  raw,
);

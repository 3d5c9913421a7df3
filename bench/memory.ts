/**
 * Claim: the whole process tree peaks under 1.5 GB while 5 M events come through everything, and no higher with 20 M.
 *
 * `jiti bench/memory.ts [events=5000000,20000000] [rounds=1] [ways=dev,once,chain]`
 *
 * Three ways in which a user catches up with a full log:
 * - `dev`: `eventlake dev`, the endpoint and all jobs as processes at the same time, until gold and the live tables have
 *   everything;
 * - `once`: `eventlake serve`, and beside it each job with `--once`, one after the other;
 * - `chain`: all of it in one process, one stage after the other.
 *
 * Memory is the proportional set size of every process of the tree, sampled ten times a second: pages that processes share
 * are counted once. `anonymous` is what the kernel cannot take back without swapping; the rest is files that are mapped, the
 * log above all, which it drops as soon as somebody else needs the memory. The claim is about the sum of both.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MemoryPeak, type ProcessMemory } from './lib/memory-peak.js';
import { mb, median, publish } from './lib/rounds.js';
import { preparedLog } from './prepare/prepared.js';
import { rewind } from './prepare/rewind.js';

const sizes = (process.argv[2] ?? '5000000,20000000').split(',').map(Number);
const ROUNDS = Number(process.argv[3] ?? 1);
const ways = (process.argv[4] ?? 'dev,once,chain').split(',');
const jiti = fileURLToPath(new URL('../node_modules/jiti/lib/jiti-cli.mjs', import.meta.url));
const script = (name: string) => fileURLToPath(new URL(`./memory/${name}.ts`, import.meta.url));

type ByProcess = Record<string, { totalMb: number; anonymousMb: number }>;

interface Round {
  way: string;
  events: number;
  seconds: number;
  peakMb: number;
  anonymousPeakMb: number;
  /** At the moment of the peak, by process. */
  atPeak: ByProcess;
  /** The most that each had, at whatever moment. */
  highest: ByProcess;
}

const rounds: Round[] = [];
for (let round = 0; round < ROUNDS; round++) {
  for (const events of sizes) {
    for (const way of ways) rounds.push(await measure(way, events));
  }
}
publish(
  `memory-${sizes.join('-')}`,
  Object.fromEntries(
    ways.flatMap((way) =>
      sizes.map((events) => {
        const of = rounds.filter((round) => round.way === way && round.events === events);
        const peak = (key: 'peakMb' | 'anonymousPeakMb') => median(of.map((round) => round[key]));
        return [`${way} ${events}`, { peakMb: peak('peakMb'), anonymousPeakMb: peak('anonymousPeakMb') }];
      }),
    ),
  ),
  rounds,
);

/** Eventlake's own processes: not the script that starts them, nor the command with which it looks how far they are. */
function isMeasured(command: string): boolean {
  return (
    command.includes('memory/chain.ts') ||
    (/eventlake\.js /.test(command) && !/eventlake\.js status/.test(command))
  );
}

async function measure(way: string, events: number): Promise<Round> {
  const log = preparedLog(events);
  await rewind(log);
  const dataDir = mkdtempSync(join(dirname(log), 'memory-'));
  symlinkSync(log, join(dataDir, 'log'));
  const startedMs = performance.now();
  const child = spawn(process.execPath, [jiti, script(way), dataDir, String(events)], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
  });
  const peak = new MemoryPeak(child.pid!, 100, isMeasured);
  const code = await new Promise((resolve) => child.once('exit', resolve));
  peak.stop();
  rmSync(dataDir, { recursive: true });
  if (code !== 0) throw new Error(`${way} ended with ${code}`);
  const round: Round = {
    way,
    events,
    seconds: Math.round((performance.now() - startedMs) / 1000),
    peakMb: mb(peak.totalBytes),
    anonymousPeakMb: mb(peak.anonymousBytes),
    atPeak: byProcess(peak.atPeak),
    highest: byProcess([...peak.highest.values()]),
  };
  process.stderr.write(`${JSON.stringify(round)}\n`);
  return round;
}

function byProcess(processes: readonly ProcessMemory[]): ByProcess {
  return Object.fromEntries(
    processes.map(({ name, totalBytes, anonymousBytes }) => [
      name,
      { totalMb: mb(totalBytes), anonymousMb: mb(anonymousBytes) },
    ]),
  );
}

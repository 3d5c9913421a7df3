import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describeMachine, treeMemoryBytes } from './machine.js';

/** One side of a comparison: a bench script and its arguments, run in a process of its own each round. */
export interface Case {
  name: string;
  script: string;
  args: readonly string[];
}

export interface Round {
  case: string;
  /** What the script printed as its last line: figures by name. */
  figures: Record<string, number>;
  /** Highest memory of the whole process tree, sampled every 100 ms; less often where a look takes long, as for a JVM. */
  peakMemoryBytes: number;
}

/**
 * Runs every case once a round, in fresh processes, the order reversed from round to round, since the machine's speed
 * drifts. A script prints one line of JSON: its figures.
 */
export async function runRounds(cases: readonly Case[], rounds: number): Promise<Round[]> {
  const results: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const one of round % 2 === 0 ? cases : [...cases].reverse()) {
      const result = await runCase(one);
      process.stderr.write(
        `round ${round + 1} ${one.name} ${JSON.stringify(result.figures)} peak ${mb(result.peakMemoryBytes)} MB\n`,
      );
      results.push(result);
    }
  }
  return results;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function quantile(values: ArrayLike<number>, q: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

/** The figure of a case over all rounds. */
export function medianOf(rounds: readonly Round[], name: string, figure: string): number {
  return median(rounds.filter((round) => round.case === name).map((round) => round.figures[figure]!));
}

/** Keeps the summary and all raw rounds in `bench/results/<claim>.json`, and prints the summary. */
export function publish(claim: string, summary: Record<string, unknown>, rounds: unknown): void {
  const folder = fileURLToPath(new URL('../results/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const text = JSON.stringify({ claim, machine: describeMachine(), summary, rounds }, null, 2);
  writeFileSync(`${folder}${claim}.json`, `${text}\n`);
  process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
}

export function mb(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}

const SAMPLE_MS = 100;
/** Looking is to take a fortieth of the time at most, so that it does not slow down what it looks at. */
const SAMPLING_SHARE = 40;

function runCase(one: Case): Promise<Round> {
  return new Promise((resolve, reject) => {
    const child = spawn('npx', ['jiti', one.script, ...one.args], { stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    let peakMemoryBytes = 0;
    let sampler = setTimeout(sample, SAMPLE_MS);
    function sample(): void {
      const beganMs = performance.now();
      peakMemoryBytes = Math.max(peakMemoryBytes, treeMemoryBytes(child.pid!));
      const tookMs = performance.now() - beganMs;
      sampler = setTimeout(sample, Math.max(SAMPLE_MS, SAMPLING_SHARE * tookMs));
    }
    child.stdout.on('data', (chunk) => {
      printed += chunk;
    });
    child.on('close', (code) => {
      clearTimeout(sampler);
      if (code !== 0) return reject(new Error(`${one.name} ended with ${code}`));
      const last = printed.trim().split('\n').at(-1)!;
      resolve({ case: one.name, figures: JSON.parse(last), peakMemoryBytes });
    });
  });
}

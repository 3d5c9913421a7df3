/**
 * Claims: append, overwrite, snapshot load and a merge of 50,000 rows into 5 M at least as fast as deltalake (PyPI) on the
 * same machine in the same run, the merge with a fraction of its memory; an append of 1,000 rows within 1.5 times the
 * Parquet write alone.
 *
 * `npx jiti bench/delta-vs-deltalake.ts [rounds] [pattern]`, after `npm run build`; needs python3. The pattern chooses
 * cases: `append|overwrite`, `duckdb merge`. `duckdb` is our log with DuckDB as its engine, `js` is our own Parquet code;
 * `merge-vectors` is the same merge into a table with deletion vectors, which delta-rs does not write; `append-open-1000`
 * appends to a table that stays open, after 100 appends, which is what the Parquet write alone (`parquet-1000`) is
 * compared with. We flush what we write and compress it with zstd; delta-rs does not flush, and takes snappy: `-durable`
 * has it do the same. Every table is made anew for each round, and the rows are in memory when the clock starts. Memory is
 * that of the whole process.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mb, median, publish } from './lib/rounds.js';

interface Figures {
  ms: number;
  cpuMs: number;
  peakRssBytes: number;
}

const ROUNDS = Number(process.argv[2] ?? 5);
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const CASES = ['append-1000', 'append-1000000', 'overwrite', 'snapshot', 'merge'];
const OURS = [...CASES, 'merge-vectors', 'append-open-1000', 'parquet-1000'];
const DURABLE = ['append-1000', 'append-1000000', 'overwrite'].map((name) => `${name}-durable`);
const PATTERN = new RegExp(process.argv[3] ?? '');
const ALL: [who: string, name: string][] = [
  ...OURS.map((name): [string, string] => ['duckdb', name]),
  ...OURS.map((name): [string, string] => ['js', name]),
  ...[...CASES, ...DURABLE].map((name): [string, string] => ['delta-rs', name]),
];
const RUNS = ALL.filter(([who, name]) => PATTERN.test(`${who} ${name}`));

execFileSync(here('../scripts/setup-delta-rs'));
const rounds: ({ who: string; name: string; round: number } & Figures)[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const root = mkdtempSync(join(tmpdir(), 'eventlake-vs-deltalake-'));
  try {
    run('prepare', '', root);
    for (const [who, name] of round % 2 === 0 ? RUNS : [...RUNS].reverse()) {
      const figures = run(who, name, root);
      process.stderr.write(`round ${round + 1} ${who} ${name} ${Math.round(figures.ms)} ms\n`);
      rounds.push({ who, name, round, ...figures });
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const of = (who: string, name: string, figure: keyof Figures): number =>
  median(rounds.filter((one) => one.who === who && one.name === name).map((one) => one[figure]));
const summary = Object.fromEntries(
  RUNS.map(([who, name]) => [
    `${name} ${who}`,
    {
      ms: Math.round(of(who, name, 'ms') * 10) / 10,
      cpuMs: Math.round(of(who, name, 'cpuMs') * 10) / 10,
      peakRssMb: mb(of(who, name, 'peakRssBytes')),
    },
  ]),
);
publish('delta-vs-deltalake', summary, rounds);

function run(who: string, name: string, root: string): Figures {
  const text =
    who === 'delta-rs'
      ? execFileSync(here('../.cache/delta-rs/bin/python'), [here('delta/vs-deltalake.py'), name, root])
      : execFileSync('npx', ['jiti', here('delta/vs-deltalake.ts'), who, name, root]);
  return JSON.parse(text.toString().trim().split('\n').at(-1)!) as Figures;
}

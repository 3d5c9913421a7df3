/**
 * Claims: a snapshot of 1,000 commits without a checkpoint takes under 100 ms; one of 100,000 files from its checkpoint
 * under 1 s and 300 MB; a checkpoint of 100,000 files under 2 s and 400 MB.
 *
 * `npx jiti bench/delta-log.ts [rounds]`, after `npm run build`. The memory is that of the whole process.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Case, mb, medianOf, publish, runRounds } from './lib/rounds.js';

const ROUNDS = Number(process.argv[2] ?? 5);
const script = fileURLToPath(new URL('./delta/log.ts', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'eventlake-delta-log-'));
const cases: Case[] = ['snapshot-1000-commits', 'snapshot-100000-files', 'checkpoint', 'checkpoint-v2'].map(
  (name) => ({ name, script, args: [name, root] }),
);

try {
  await runRounds([{ name: 'prepare', script, args: ['prepare', root] }], 1);
  const rounds = await runRounds(cases, ROUNDS);
  const summary = Object.fromEntries(
    cases.map(({ name }) => [
      name,
      {
        ms: Math.round(medianOf(rounds, name, 'ms')),
        cpuMs: Math.round(medianOf(rounds, name, 'cpuMs')),
        peakRssMb: mb(medianOf(rounds, name, 'peakRssBytes')),
      },
    ]),
  );
  publish('delta-log', summary, rounds);
} finally {
  rmSync(root, { recursive: true, force: true });
}

/**
 * Claim: what it costs to have the tables on S3 instead of in a folder, with the store on the same machine: what is ours of
 * it, and none of the network. An append of 1,000 rows, and the chain log → bronze → silver → gold.
 *
 * `npx jiti bench/s3.ts [events=200000] [rounds=3]`. Installs versitygw where it is not yet (see scripts/setup-s3-servers).
 */
import { fileURLToPath } from 'node:url';
import { startS3Server } from '../packages/delta/test/support/s3-servers.js';
import { medianOf, publish, runRounds } from './lib/rounds.js';
import { preparedLog } from './prepare/prepared.js';

const events = Number(process.argv[2] ?? 200_000);
const rounds = Number(process.argv[3] ?? 3);
const script = (name: string) => fileURLToPath(new URL(`./s3/${name}.ts`, import.meta.url));

const server = await startS3Server('versitygw');
Object.assign(process.env, server.env);
try {
  const log = preparedLog(events);
  const remote = [server.url, server.endpoint];
  const raw = await runRounds(
    [
      { name: 'append-folder', script: script('append'), args: [''] },
      { name: 'append-s3', script: script('append'), args: remote },
      { name: 'chain-folder', script: script('chain'), args: [log] },
      { name: 'chain-s3', script: script('chain'), args: [log, ...remote] },
    ],
    rounds,
  );
  const ratio = (what: string, figure: string) =>
    medianOf(raw, `${what}-s3`, figure) / medianOf(raw, `${what}-folder`, figure);
  publish(
    's3',
    {
      events,
      appendFolderP50Ms: medianOf(raw, 'append-folder', 'appendP50Ms'),
      appendS3P50Ms: medianOf(raw, 'append-s3', 'appendP50Ms'),
      appendRatio: ratio('append', 'appendP50Ms'),
      appendCpuRatio: ratio('append', 'cpuMs'),
      chainFolderMs: medianOf(raw, 'chain-folder', 'totalMs'),
      chainS3Ms: medianOf(raw, 'chain-s3', 'totalMs'),
      chainRatio: ratio('chain', 'totalMs'),
      chainCpuRatio: ratio('chain', 'cpuMs'),
    },
    raw,
  );
} finally {
  await server.close();
}

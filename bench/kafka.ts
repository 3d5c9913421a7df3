/**
 * Claims, with one broker on the same machine in the same run: consuming to blocks of bytes reaches 0.7 of kcat's MB/s for
 * none, lz4 and zstd, producing 0.5, in under 256 MB; Kafka → bronze 0.8 of the embedded log → bronze.
 *
 * `npx jiti bench/kafka.ts [events] [rounds]`, after `npm run build`. Needs java, mvn and kcat. MB are 10^6 bytes of values.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import userEvents from '@eventlake/user-events';
import { type Case, median, medianOf, publish, type Round, runRounds } from './lib/rounds.js';

const EVENTS = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = Number(process.argv[3] ?? 5);
const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
// Node 20 reads zstd and does not write it: there kcat fills the topic, and producing is measured without it.
const canZstd = 'zstdCompressSync' in (await import('node:zlib'));

const dir = mkdtempSync(join(tmpdir(), 'eventlake-bench-kafka-'));
const broker = (...args: string[]) =>
  execFileSync(at('../scripts/kafka'), [...args, '--dir', join(dir, 'broker')], {
    encoding: 'utf8',
    env: { ...process.env, KAFKA_HEAP: '512m' },
  }).trim();
const address = broker(
  'start',
  '--property',
  'auto.create.topics.enable=true',
  '--property',
  'num.partitions=4',
);
try {
  const file = join(dir, 'events.ndjson');
  writeEvents(file);
  const rounds: Round[] = [];
  for (const compression of ['none', 'lz4', 'zstd']) {
    const filled = `filled-${compression}`;
    kcat('-P', '-t', filled, '-z', compression, '-l', file);
    const sides = (command: 'consume' | 'produce', topic: string): Case[] =>
      ['ours', 'kcat'].map((side) => ({
        name: `${side} ${command} ${compression}`,
        script: at(`./kafka/${side}.ts`),
        args: [command, address, `${topic}${command === 'produce' ? `-${side}` : ''}`, file, compression],
      }));
    rounds.push(...(await runRounds(sides('consume', filled), ROUNDS)));
    if (compression === 'zstd' && !canZstd) continue;
    rounds.push(...(await runRounds(sides('produce', `produced-${compression}`), ROUNDS)));
  }
  rounds.push(...(await landing()));
  publish('kafka', summarize(rounds), rounds);
} finally {
  broker('stop', '--kill');
  rmSync(dir, { recursive: true, force: true });
}

/** The same seeded events in both logs, landed anew in each round. */
async function landing(): Promise<Round[]> {
  const dataDir = join(dir, 'data');
  const bin = at('../packages/eventlake/bin/eventlake.js');
  const fill = [
    'run',
    'producer',
    '--seed',
    '7',
    '--count',
    String(EVENTS),
    '--rate',
    '0',
    '--data-dir',
    dataDir,
  ];
  execFileSync(process.execPath, [bin, ...fill], { stdio: 'ignore' });
  execFileSync(process.execPath, [bin, ...fill, '--set', `log.kafka.brokers=${address}`], {
    stdio: 'ignore',
  });
  return runRounds(
    ['embedded', address].map((log) => ({
      name: `land ${log === 'embedded' ? log : 'kafka'}`,
      script: at('./kafka/land.ts'),
      args: [log, dataDir],
    })),
    ROUNDS,
  );
}

function summarize(rounds: readonly Round[]): Record<string, unknown> {
  const names = [...new Set(rounds.map((round) => round.case))];
  const ours = names.filter((name) => name.startsWith('ours '));
  const ratios = ours.map((name) => {
    const other = name.replace('ours', 'kcat');
    const value = medianOf(rounds, name, 'mbPerSecond') / medianOf(rounds, other, 'mbPerSecond');
    return [name.slice(5), Math.round(100 * value) / 100] as const;
  });
  const rates = names.map((name) => {
    const figure = name.startsWith('land') ? 'eventsPerSecond' : 'mbPerSecond';
    return [name, Math.round(medianOf(rounds, name, figure))] as const;
  });
  const peaks = ours.map((name) => {
    const all = rounds.filter((round) => round.case === name).map(({ figures }) => figures.peakRssMb!);
    return [name.slice(5), Math.round(median(all))] as const;
  });
  const landed =
    medianOf(rounds, 'land kafka', 'eventsPerSecond') / medianOf(rounds, 'land embedded', 'eventsPerSecond');
  return {
    events: EVENTS,
    shareOfKcat: Object.fromEntries(ratios),
    mbPerSecondOrEventsPerSecond: Object.fromEntries(rates),
    peakRssMb: Object.fromEntries(peaks),
    kafkaToBronzeOfEmbedded: Math.round(100 * landed) / 100,
  };
}

function kcat(...args: string[]): void {
  execFileSync('kcat', ['-b', address, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
}

function writeEvents(file: string): void {
  const simulation = userEvents.simulate!({
    ...{ seed: 1, startMs: Date.UTC(2025, 0, 1), users: 10_000 },
    ...{ duplicates: 0, malformed: 0, late: 0, outOfOrder: 0 },
  });
  const to = openSync(file, 'w');
  for (let made = 0; made < EVENTS; ) {
    const { count, values, bounds } = simulation.next(
      Math.min(2_000, EVENTS - made),
      Date.UTC(2025, 0, 1) + made,
    );
    const lines: Uint8Array[] = [];
    for (let i = 0; i < count; i++) lines.push(values.subarray(bounds[i], bounds[i + 1]), Buffer.from('\n'));
    writeSync(to, Buffer.concat(lines));
    made += count;
  }
  closeSync(to);
}

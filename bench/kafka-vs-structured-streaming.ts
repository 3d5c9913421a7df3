/**
 * Claim: Kafka → bronze is at least three times as fast as Spark Structured Streaming, in one batch and in ten of 100,000
 * events, in a quarter of its memory. Both land the topic twice in one process: cold, then warm. Spark's start is that of
 * its session; ours is that of Node.
 *
 * `npx jiti bench/kafka-vs-structured-streaming.ts [events] [rounds]`, after `npm run build`. Needs Java 17, Maven, Python.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mb, median, medianOf, publish, type Round, runRounds } from './lib/rounds.js';

const EVENTS = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = Number(process.argv[3] ?? 3);
const BATCHES = 10;
const path = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const TOPIC = 'user-events';
/** Of an event's value, a little too much, so that as many batches come out as Spark has. */
const EVENT_BYTES = 175;

const dir = mkdtempSync(join(tmpdir(), 'eventlake-bench-streaming-'));
const dataDir = join(dir, 'data');
const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, KAFKA_HEAP: '512m' },
  }).trim();

run(path('scripts/setup-spark'));
const brokers = run(path('scripts/kafka'), 'start', '--dir', join(dir, 'broker'));
try {
  const producer = ['--seed', '7', '--count', String(EVENTS), '--rate', '0', '--data-dir', dataDir];
  const bin = path('packages/eventlake/bin/eventlake.js');
  run(process.execPath, bin, 'run', 'producer', ...producer, '--set', `log.kafka.brokers=${brokers}`);
  const perBatch = Math.ceil(EVENTS / BATCHES);
  const ours = { script: path('bench/kafka/ours-streaming.ts') };
  const spark = { script: path('bench/kafka/structured-streaming.ts') };
  const rounds = await runRounds(
    [
      { name: 'ours, one batch', ...ours, args: [brokers, String(2 ** 30)] },
      { name: 'spark, one batch', ...spark, args: [brokers, TOPIC, '0'] },
      { name: 'ours, ten batches', ...ours, args: [brokers, String(perBatch * EVENT_BYTES)] },
      { name: 'spark, ten batches', ...spark, args: [brokers, TOPIC, String(perBatch)] },
    ],
    ROUNDS,
  );
  publish('kafka-vs-structured-streaming', { events: EVENTS, ...compared(rounds) }, rounds);
} finally {
  run(path('scripts/kafka'), 'stop', '--kill', '--dir', join(dir, 'broker'));
  rmSync(dir, { recursive: true, force: true });
}

function compared(rounds: readonly Round[]): Record<string, unknown> {
  const peak = (name: string) =>
    mb(median(rounds.filter((round) => round.case === name).map((round) => round.peakMemoryBytes)));
  const sides = ['one batch', 'ten batches'].map((how) => {
    const [ours, spark] = [`ours, ${how}`, `spark, ${how}`];
    const times = (figure: string) => medianOf(rounds, spark, figure) / medianOf(rounds, ours, figure);
    const fromNothing = (name: string) =>
      medianOf(rounds, name, 'startMs') + medianOf(rounds, name, 'coldMs');
    const figures = {
      timesFasterWarm: times('warmMs'),
      timesFasterCold: times('coldMs'),
      timesFasterFromNothing: fromNothing(spark) / fromNothing(ours),
      timesLessCpu: times('cpuSeconds'),
      peakMb: peak(ours),
      sparkPeakMb: peak(spark),
      memoryOfItsShare: peak(ours) / peak(spark),
      batches: medianOf(rounds, ours, 'batches'),
      sparkBatches: medianOf(rounds, spark, 'batches'),
    };
    return [how, figures] as const;
  });
  return Object.fromEntries(sides);
}

/**
 * Claim: the embedded engine is at least four times as fast as PySpark, warm, and eight times, cold, in a quarter of the memory;
 * and our jobs on Spark are no slower than jobs in PySpark. All read the same Kafka topic on this machine.
 *
 * Needs Java 17, Maven and Python. `jiti bench/spark.ts [events=1000000] [rounds=3]`
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { mb, median, medianOf, publish, runRounds } from './lib/rounds.js';

const events = Number(process.argv[2] ?? 1_000_000);
const rounds = Number(process.argv[3] ?? 3);
const path = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const run = (command: string, args: string[], env: Record<string, string> = {}) =>
  execFileSync(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  }).trim();

run(path('scripts/setup-spark'), []);
run(path('scripts/spark'), ['install']);
const kafka = ['--dir', path(`.cache/bench/kafka-${events}`)];
const brokers = run(path('scripts/kafka'), ['start', ...kafka]);
try {
  fillTopic();
  const script = (name: string) => path(`bench/spark/${name}.ts`);
  const raw = await runRounds(
    [
      { name: 'eventlake', script: script('ours'), args: ['duckdb', brokers] },
      { name: 'pyspark', script: script('pyspark'), args: [brokers, 'user-events'] },
      { name: 'eventlake-on-spark', script: script('ours'), args: ['spark', brokers] },
    ],
    rounds,
  );
  const chain = (name: string, how: string) =>
    ['Raw', 'Silver', 'Gold'].reduce((sum, step) => sum + medianOf(raw, name, `${how}${step}Ms`), 0);
  const peak = (name: string) =>
    mb(median(raw.filter((round) => round.case === name).map((round) => round.peakMemoryBytes)));
  publish(
    `spark-${events}`,
    {
      events,
      timesFasterWarm: chain('pyspark', 'warm') / chain('eventlake', 'warm'),
      timesFasterColdWithStart:
        (chain('pyspark', 'cold') + medianOf(raw, 'pyspark', 'startMs')) / chain('eventlake', 'cold'),
      nothingNewTimesFaster:
        medianOf(raw, 'pyspark', 'warmNothingMs') / medianOf(raw, 'eventlake', 'warmNothingMs'),
      onSparkTimesFasterWarm: chain('pyspark', 'warm') / chain('eventlake-on-spark', 'warm'),
      eventlakePeakMb: peak('eventlake'),
      pysparkPeakMb: peak('pyspark'),
      onSparkPeakMb: peak('eventlake-on-spark'),
    },
    raw,
  );
} finally {
  run(path('scripts/kafka'), ['stop', ...kafka]);
}

/** With what is missing; the folder keeps it for the next time. */
function fillTopic(): void {
  const eventlake = path('packages/eventlake/bin/eventlake.js');
  const env = {
    EVENTLAKE_LOG_KAFKA_BROKERS: brokers,
    EVENTLAKE_DATA_DIR: path('.cache/bench/kafka-producer'),
  };
  const status = JSON.parse(run(process.execPath, [eventlake, 'status', '--json'], env)) as {
    log?: { appended: number };
  };
  const missing = events - (status.log?.appended ?? 0);
  if (missing <= 0) return;
  const flags = ['--rate', '0', '--seed', '1', '--users', '50000', '--count', String(missing)];
  run(process.execPath, [eventlake, 'run', 'producer', ...flags], env);
}

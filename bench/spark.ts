/**
 * Claim: the embedded engine is at least four times as fast as PySpark, warm, and eight times, cold, in a quarter of the memory;
 * and our jobs on Spark are no slower than jobs in PySpark. All read the same Kafka topic on this machine. And what both
 * engines cost at growing sizes, as a picture.
 *
 * Needs Java 17, Maven and Python. `jiti bench/spark.ts [sizes=1000000,5000000,20000000] [rounds=2,1,1] [freshness seconds=20]`
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { mb, median, medianOf, publish, type Round, runRounds } from './lib/rounds.js';
import { costLine, plotCosts } from './spark/plot.js';
import { withTopic } from './spark/topic.js';

const numbers = (at: number, otherwise: string) => (process.argv[at] ?? otherwise).split(',').map(Number);
const sizes = numbers(2, '1000000,5000000,20000000');
const rounds = numbers(3, '2,1,1');
const [seconds] = numbers(4, '20');
/** Beyond it, once, without PySpark: for the curve. */
const COMPARED_MAX = 5_000_000;
const path = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const STEPS = ['Raw', 'Silver', 'Gold'];

execFileSync(path('scripts/setup-spark'), { stdio: ['ignore', 'ignore', 'inherit'] });
const raw: (Round & { events?: number })[] = [];
const summary: Record<string, unknown> = {};
for (const [i, events] of sizes.entries()) {
  const results = await withTopic(events, (brokers) => compare(events, brokers, rounds[i] ?? 1));
  raw.push(...results.map((result) => ({ ...result, events })));
  summary[events] = summarize(results, events <= COMPARED_MAX);
}
if (seconds! > 0) summary.freshness = await freshness(seconds!);
summary.costCurve = costs();
publish('spark', summary, raw);

function compare(events: number, brokers: string, times: number): Promise<Round[]> {
  const runs = events <= COMPARED_MAX ? 'cold,warm' : 'cold';
  const script = (name: string) => path(`bench/spark/${name}.ts`);
  const cases = [
    { name: 'eventlake', script: script('ours'), args: ['duckdb', brokers, runs] },
    { name: 'pyspark', script: script('pyspark'), args: [brokers, 'user-events', runs] },
    { name: 'eventlake-on-spark', script: script('ours'), args: ['spark', brokers, runs] },
  ];
  return runRounds(
    cases.filter(({ name }) => events <= COMPARED_MAX || name !== 'pyspark'),
    times,
  );
}

function summarize(results: readonly Round[], compared: boolean) {
  const peak = (name: string) =>
    mb(
      median(results.filter((result) => result.case === name).map(({ peakMemoryBytes }) => peakMemoryBytes)),
    );
  const of = (name: string, run: string, unit: string) => chainOf(results, name, run, unit);
  const peaks = { eventlakePeakMb: peak('eventlake'), onSparkPeakMb: peak('eventlake-on-spark') };
  if (!compared) return peaks;
  const start = (name: string) => medianOf(results, name, 'startMs');
  const nothing = (name: string) => medianOf(results, name, 'warmNothingMs');
  const ratio = (figure: (name: string) => number, name: string) => figure('pyspark') / figure(name);
  const warm = (name: string) => of(name, 'warm', 'Ms');
  const coldWithStart = (name: string) => of(name, 'cold', 'Ms') + start(name);
  const warmCpu = (name: string) => of(name, 'warm', 'CpuMs');
  const stepsOnSpark = STEPS.map((step) => [
    step,
    ratio((name) => medianOf(results, name, `warm${step}Ms`), 'eventlake-on-spark'),
  ]);
  return {
    timesFasterWarm: ratio(warm, 'eventlake'),
    timesFasterColdWithStart: ratio(coldWithStart, 'eventlake'),
    timesLessCpuWarm: ratio(warmCpu, 'eventlake'),
    nothingNewTimesFaster: ratio(nothing, 'eventlake'),
    onSparkTimesFasterWarm: ratio(warm, 'eventlake-on-spark'),
    onSparkTimesFasterWarmBySteps: Object.fromEntries(stepsOnSpark),
    onSparkTimesFasterColdWithStart: ratio(coldWithStart, 'eventlake-on-spark'),
    onSparkTimesLessCpuWarm: ratio(warmCpu, 'eventlake-on-spark'),
    onSparkNothingNewTimesFaster: ratio(nothing, 'eventlake-on-spark'),
    ...peaks,
    pysparkPeakMb: peak('pyspark'),
  };
}

async function freshness(forSeconds: number) {
  const script = path('bench/spark/freshness.ts');
  const sides = { eventlake: 'duckdb', pyspark: 'pyspark', 'eventlake-on-spark': 'spark' };
  const results = await runRounds(
    Object.entries(sides).map(([name, side]) => ({ name, script, args: [side, String(forSeconds)] })),
    1,
  );
  raw.push(...results.map((result) => ({ ...result, case: `${result.case} freshness` })));
  return Object.fromEntries(results.map(({ case: name, figures }) => [name, figures]));
}

/** From the first run in a process, which all sizes have. */
function costs() {
  const points = (name: string, run: string) =>
    sizes.flatMap((events) => {
      const results = raw.filter((result) => result.events === events && result.case === name);
      return results.length === 0 ? [] : [{ events, seconds: chainOf(results, name, run, 'Ms') / 1000 }];
    });
  const curves = {
    'eventlake on DuckDB': points('eventlake', 'cold'),
    'eventlake on Spark': points('eventlake-on-spark', 'cold'),
    PySpark: points('pyspark', 'cold'),
  };
  plotCosts(path('bench/results/spark-cost.svg'), curves);
  if (sizes.length < 2) return undefined;
  const [duckdb, spark] = [costLine(curves['eventlake on DuckDB']), costLine(curves['eventlake on Spark'])];
  return {
    duckdb,
    spark,
    /** On these cores; undefined where Spark never catches up on them. */
    equalAtMillionEvents:
      duckdb.secondsPerMillion > spark.secondsPerMillion
        ? (spark.fixedSeconds - duckdb.fixedSeconds) / (duckdb.secondsPerMillion - spark.secondsPerMillion)
        : undefined,
    /** One machine's bound: beyond it, a job that runs hourly no longer ends within its hour. */
    duckdbMillionEventsAnHour: (3600 - duckdb.fixedSeconds) / duckdb.secondsPerMillion,
    /** Of Spark, to be as fast at any size, if it scaled without loss. */
    timesTheCoresOnSpark: spark.secondsPerMillion / duckdb.secondsPerMillion,
  };
}

function chainOf(results: readonly Round[], name: string, run: string, unit: string): number {
  return STEPS.reduce((sum, step) => sum + medianOf(results, name, `${run}${step}${unit}`), 0);
}

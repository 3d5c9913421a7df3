import type { Command } from 'commander';
import type { Flag, Settings } from '../config.js';
import { EventlakeError } from '../errors.js';
import type { JobName } from '../jobs/job.js';
import type { Tracing } from '../tracing/tracing.js';
import { invoke, version } from './invocation.js';
import { addDataLoss, dataLossFlags, wholeNumber } from './options.js';
import { stopSignal, tellParent } from './stop-signal.js';
import { printJson } from './terminal/streams.js';

export function registerRun(program: Command): void {
  const run = program
    .command('run')
    .description('one job, until stopped, or with --once until it has caught up')
    .addHelpText(
      'after',
      `
Examples:
  eventlake run producer --rate 1000
  eventlake run raw-landing
  eventlake run bronze-to-silver --once`,
    );
  registerProducer(run);
  for (const stage of JOBS) registerJob(run, stage);
}

/** What the help says of each job; what they do is in `pipeline.ts`, which is loaded when one runs. */
export const JOBS: readonly { name: JobName; description: string; refreshes?: string; readsLog?: true }[] = [
  {
    name: 'raw-landing',
    description: 'log → bronze: every record as it came, or in quarantine with the reason',
    readsLog: true,
  },
  {
    name: 'bronze-to-silver',
    description: 'bronze → silver: rejects what is not valid, deduplicates, casts',
    refreshes: 'make silver anew from all of bronze',
  },
  {
    name: 'silver-to-gold',
    description: 'silver → gold: facts, dimensions, KPIs, and the KPIs in ClickHouse',
    refreshes: 'make gold anew from all of silver',
  },
  {
    name: 'fast-agg',
    description: 'log → live: counts per minute of event time, in ClickHouse',
    refreshes: 'make the live tables anew from bronze and the log',
    readsLog: true,
  },
];

interface JobOptions {
  engine?: string;
  once?: boolean;
  fullRefresh?: boolean;
  onDataLoss?: string;
}

function registerJob(run: Command, { name, description, refreshes, readsLog }: (typeof JOBS)[number]): void {
  const command = run
    .command(name)
    .description(description)
    .option('--once', 'until it has caught up, then end')
    .option('--engine <name>', `duckdb or spark (setting engine.${name})`);
  if (refreshes) command.option('--full-refresh', `with --once: ${refreshes}`);
  if (readsLog) addDataLoss(command);
  command
    .addHelpText(
      'after',
      `\nExamples:\n  eventlake run ${name}\n  eventlake run ${name} --once${refreshes ? ' --full-refresh' : ''}`,
    )
    .action(async (options: JobOptions, command: Command) => {
      const once = options.once ?? false;
      const fullRefresh = options.fullRefresh ?? false;
      if (fullRefresh && !once) {
        throw new EventlakeError('invalid', 'A full refresh is done once', { job: name }, 'Say --once, too.');
      }
      const flags =
        options.engine === undefined
          ? []
          : [{ path: `engine.${name}`, value: options.engine, flag: '--engine' }];
      const { settings, json, crashAt } = await invoke(command, [...flags, ...dataLossFlags(options)]);
      const { makeLogger } = await import('./terminal/logger.js');
      const { acquireLock } = await import('../lock.js');
      const { openComponents } = await import('../components.js');
      const { runStage } = await import('../pipeline.js');
      const signal = stopSignal();
      const logger = makeLogger(name, settings.logLevel, json);
      const lock = await acquireLock(settings.dataDir, name);
      const observed = await observeJob(name, settings);
      try {
        const components = await openComponents({
          settings,
          logger,
          signal,
          cwd: process.cwd(),
          job: name,
          // Under `dev` the endpoint is a process of its own.
          opensClickHouse: !process.send,
          crashAt,
          watchStore: observed.store,
        });
        let tracing: Tracing | undefined;
        const total = { batches: 0, rowsIn: 0, rowsOut: 0 };
        try {
          logger.info(once ? 'catching up' : 'running');
          if (observed.url) logger.info({ metrics: observed.url }, 'figures are there to be read');
          tellParent({ type: 'ready' });
          observed.setReady(undefined);
          tracing = await openTracingOf(name, settings);
          await runStage(name, components, {
            tracing,
            once,
            fullRefresh,
            onBatch: (report) => {
              total.batches++;
              total.rowsIn += report.rowsIn;
              total.rowsOut += report.rowsOut;
              observed.batch(report);
              observed.setReady(undefined);
              tellParent({ type: 'batch', ...report });
            },
            onFailure: () => {
              observed.failure();
              observed.setReady('its last batch failed; the log says why');
            },
          });
        } finally {
          await tracing?.close();
          await components.close();
        }
        logger.info(total, once && !signal.aborted ? 'caught up' : 'stopped');
        if (json && once) printJson(total);
      } finally {
        await observed.close();
        await lock.release();
      }
    });
}

async function openTracingOf(stage: JobName, { tracing }: Settings): Promise<Tracing | undefined> {
  if (tracing.otlpEndpoint === undefined) return undefined;
  const { openTracing } = await import('../tracing/tracing.js');
  return openTracing({ endpoint: tracing.otlpEndpoint, stage, version: version() });
}

/** Under `dev`, whose children share their settings, a port of its own is the parent's. */
async function observeJob(name: JobName, settings: Settings) {
  const { observe } = await import('../metrics/observe.js');
  const { jobMetrics } = await import('../metrics/job-metrics.js');
  const { openStatus } = await import('./open-status.js');
  const listens = !process.send && settings.metrics.port !== undefined;
  const status = listens ? await openStatus(settings) : undefined;
  const observed = await observe({ name, settings, stage: name, status: status?.reader, listens });
  return {
    ...observed,
    ...jobMetrics(observed.registry, name),
    async close() {
      await observed.close();
      await status?.close();
    },
  };
}

interface ProducerOptions {
  rate?: string;
  count?: string;
  seed?: string;
  start?: string;
  users?: string;
  duplicates?: string;
  malformed?: string;
  late?: string;
  outOfOrder?: string;
}

function registerProducer(run: Command): void {
  run
    .command('producer')
    .description('the simulated producer')
    .option(
      '--rate <n>',
      'events a second; 0: as fast as the log takes them (setting producer.ratePerSecond)',
    )
    .option('--count <n>', 'stop after so many')
    .option('--seed <n>', 'the same events each time, their times included')
    .option('--start <time>', 'event time of the first event, ISO 8601, or now (with --seed: 2025-01-01)')
    .option('--users <n>', 'users of the shop (setting producer.users)')
    .option('--duplicates <share>', 'share of events sent twice, 0 to 1 (setting producer.duplicates)')
    .option('--malformed <share>', 'share of records that are no event (setting producer.malformed)')
    .option('--late <share>', 'share of events minutes or days late (setting producer.late)')
    .option('--out-of-order <share>', 'share of events seconds late (setting producer.outOfOrder)')
    .addHelpText(
      'after',
      `
Examples:
  eventlake run producer --rate 5000
  eventlake run producer --count 1000000 --rate 0
  eventlake run producer --seed 7 --count 1000 --duplicates 0.1 --malformed 0.01`,
    )
    .action(async (options: ProducerOptions, command: Command) => {
      const { settings, json } = await invoke(command, producerFlags(options));
      const { count, seed, startMs } = ownOptions(options);
      const { makeLogger } = await import('./terminal/logger.js');
      const { loadPipeline } = await import('../load-pipeline.js');
      const { produce } = await import('../jobs/producer.js');
      const { acquireLock } = await import('../lock.js');
      const { openLog, provideTopic } = await import('../components.js');
      const { progressReport } = await import('./terminal/progress.js');
      const signal = stopSignal();
      const logger = makeLogger('producer', settings.logLevel, json);
      const lock = await acquireLock(settings.dataDir, 'producer', { shared: true });
      const pipeline = await loadPipeline(settings.pipeline, process.cwd());
      const log = await openLog(settings);
      const progress = progressReport();
      const { observe } = await import('../metrics/observe.js');
      const { producerMetrics } = await import('../metrics/job-metrics.js');
      const instance = `producer-${process.pid}`;
      const observed = await observe({ name: 'producer', instance, settings, listens: !process.send });
      const { produced: countProduced } = producerMetrics(observed.registry);
      observed.setReady(undefined);
      try {
        await provideTopic(log, pipeline.event.topic, settings);
        logger.info(
          { topic: pipeline.event.topic, ratePerSecond: settings.producer.ratePerSecond },
          'producing',
        );
        tellParent({ type: 'ready' });
        const produced = await produce(
          { pipeline, log, now: Date.now, signal },
          {
            ...settings.producer,
            ...(count === undefined ? {} : { count }),
            ...(seed === undefined ? {} : { seed }),
            ...(startMs === undefined ? {} : { startMs }),
          },
          ({ count: done }) => {
            progress.at({ done, total: count, count: done });
            countProduced(done);
            tellParent({ type: 'produced', count: done });
          },
        );
        progress.end();
        logger.info({ records: produced.count, bytes: produced.bytes }, 'stopped');
        if (json && !process.send) printJson(produced);
      } finally {
        await observed.close();
        await log.close();
        await lock.release();
      }
    });
}

const SETTINGS_OF_FLAGS: Readonly<Partial<Record<keyof ProducerOptions, string>>> = {
  rate: 'producer.ratePerSecond',
  users: 'producer.users',
  duplicates: 'producer.duplicates',
  malformed: 'producer.malformed',
  late: 'producer.late',
  outOfOrder: 'producer.outOfOrder',
};

function producerFlags(options: ProducerOptions): Flag[] {
  return Object.entries(SETTINGS_OF_FLAGS).flatMap(([name, path]) => {
    const value = options[name as keyof ProducerOptions];
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return value === undefined ? [] : [{ path, value, flag }];
  });
}

function ownOptions({ count, seed, start }: ProducerOptions) {
  const whole = (text: string | undefined, flag: string, min: number) =>
    text === undefined ? undefined : wholeNumber(text, flag, [min, Number.MAX_SAFE_INTEGER]);
  const startMs = start === 'now' ? Date.now() : start === undefined ? undefined : Date.parse(start);
  if (Number.isNaN(startMs)) {
    throw new EventlakeError(
      'invalid',
      `--start is ${JSON.stringify(start)}, but it must be an ISO 8601 time, or now`,
    );
  }
  return { count: whole(count, '--count', 1), seed: whole(seed, '--seed', 0), startMs };
}

import type { Command } from 'commander';
import type { Settings } from '../../config.js';
import { EventlakeError } from '../../errors.js';
import type { JobName } from '../../jobs/job.js';
import type { Tracing } from '../../tracing/tracing.js';
import { invoke, version } from '../invocation.js';
import { JOBS } from '../jobs.js';
import { addDataLoss, dataLossFlags } from '../options.js';
import { stopSignal, tellParent } from '../stop-signal.js';
import { printJson } from '../terminal/streams.js';
import { registerProducer } from './run/producer.js';

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
      const { makeLogger } = await import('../terminal/logger.js');
      const { acquireLock } = await import('../../system/lock.js');
      const { openComponents } = await import('../../components.js');
      const { runStage } = await import('../../pipeline.js');
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
  const { openTracing } = await import('../../tracing/tracing.js');
  return openTracing({ endpoint: tracing.otlpEndpoint, stage, version: version() });
}

/** Under `dev`, whose children share their settings, a port of its own is the parent's. */
async function observeJob(name: JobName, settings: Settings) {
  const { observe } = await import('../../metrics/observe.js');
  const { jobMetrics } = await import('../../metrics/job-metrics.js');
  const { openStatus } = await import('../open/status.js');
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

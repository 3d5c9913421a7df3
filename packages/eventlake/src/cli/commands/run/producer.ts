import type { Command } from 'commander';
import type { Flag } from '../../../config.js';
import { EventlakeError } from '../../../errors.js';
import { invoke } from '../../invocation.js';
import { wholeNumber } from '../../options.js';
import { stopSignal, tellParent } from '../../stop-signal.js';
import { printJson } from '../../terminal/streams.js';

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

export function registerProducer(run: Command): void {
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
      const { makeLogger } = await import('../../terminal/logger.js');
      const { loadPipeline } = await import('../../../config/load-pipeline.js');
      const { produce } = await import('../../../jobs/producer.js');
      const { acquireLock } = await import('../../../system/lock.js');
      const { openLog, provideTopic } = await import('../../../components.js');
      const { progressReport } = await import('../../terminal/progress.js');
      const signal = stopSignal();
      const logger = makeLogger('producer', settings.logLevel, json);
      const lock = await acquireLock(settings.dataDir, 'producer', { shared: true });
      const pipeline = await loadPipeline(settings.pipeline, process.cwd());
      const log = await openLog(settings);
      const progress = progressReport();
      const { observe } = await import('../../../metrics/observe.js');
      const { producerMetrics } = await import('../../../metrics/job-metrics.js');
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

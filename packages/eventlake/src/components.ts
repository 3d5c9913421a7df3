import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Store } from '@eventlake/delta';
import type { Logger } from 'pino';
import { loadPipeline } from './config/load-pipeline.js';
import type { Settings } from './config.js';
import { crashPoints } from './crash-points.js';
import type { Engine } from './engine/engine.js';
import { EventlakeError } from './errors.js';
import type { JobContext, JobName } from './jobs/job.js';
import type { EventLog } from './log/event-log.js';
import { deltaTables } from './schema/tables.js';
import type { Serving } from './serving/serving.js';

export interface ComponentOptions {
  settings: Settings;
  logger: Logger;
  signal: AbortSignal;
  /** Where the pipeline's package is looked for. */
  cwd: string;
  /** Whose engine it is to be: each job may have another. */
  job?: JobName;
  /** False where another process is to open the embedded ClickHouse; this one then waits for it. */
  opensClickHouse?: boolean;
  /** For tests: see `crash-points.ts`. */
  crashAt?: string | undefined;
  /** Stands between the job and its store, to watch it. */
  watchStore?(store: Store): Store;
}

export interface Components extends JobContext {
  close(): Promise<void>;
}

/**
 * Opens what the settings name: pipeline, store, log and engine; ClickHouse on its first use. The one place that knows
 * which implementation stands behind each contract, and that loads it.
 */
export async function openComponents(options: ComponentOptions): Promise<Components> {
  const { settings, logger, signal, cwd, opensClickHouse = true, crashAt } = options;
  const pipeline = await loadPipeline(settings.pipeline, cwd);
  const opened = await openStore(settings);
  const store = options.watchStore?.(opened) ?? opened;
  const log = await openLog(settings, signal);
  await provideTopic(log, pipeline.event.topic, settings);
  const engine = await openEngine(options, store, log);
  let serving: Promise<Serving> | undefined;
  const connect = async () => {
    const { connectServing } = await import('./serving/connect.js');
    return connectServing({
      settings,
      dataDir: settings.dataDir,
      tables: deltaTables(pipeline),
      opensOwn: opensClickHouse,
      signal,
      logger,
    });
  };
  return {
    pipeline,
    settings,
    store,
    log,
    engine,
    logger,
    signal,
    now: Date.now,
    crashPoint: crashPoints(crashAt),
    serving: () => {
      if (serving) return serving;
      const connecting = connect();
      serving = connecting;
      // Whoever asks next tries again: this process may live for months.
      connecting.catch(() => {
        if (serving === connecting) serving = undefined;
      });
      return connecting;
    },
    async close() {
      await (await serving?.catch(() => undefined))?.close();
      await engine.close();
      await log.close();
    },
  };
}

async function openEngine(options: ComponentOptions, store: Store, log: EventLog): Promise<Engine> {
  const { settings, job } = options;
  const name = (job && settings.engine[job]) ?? settings.engine.default;
  if (name === 'spark') return openSpark(options, store);
  const { openDuckDbEngine } = await import('./engine/duckdb/engine.js');
  const { cacheBytesMax } = settings.s3;
  return openDuckDbEngine({ store, log, dataDir: settings.dataDir, cacheBytesMax, ...settings.duckdb });
}

async function openSpark({ settings, job, signal, logger }: ComponentOptions, store: Store): Promise<Engine> {
  const { kafka } = settings.log;
  if ((job === 'raw-landing' || job === 'fast-agg') && !kafka.brokers) {
    throw new EventlakeError(
      'invalid',
      `${job} cannot run on Spark: no cluster reads the log of the data folder`,
      { job, setting: settings.engine[job] ? `engine.${job}` : 'engine.default' },
      `Set log.kafka.brokers, or engine.${job} to duckdb; bronze-to-silver and silver-to-gold can stay on Spark.`,
    );
  }
  const { openSparkEngine } = await import('./engine/spark/engine.js');
  const { kafkaOptions } = await import('./engine/spark/kafka-source.js');
  return openSparkEngine({
    store,
    ...settings.spark,
    ...(kafka.brokers && { kafka: await kafkaOptions(kafka) }),
    signal,
    onProgress: (progress) => logger.debug({ job, ...progress }, 'Spark computes'),
  });
}

/** The lakehouse's root. @throws EventlakeError `invalid` where its address is of no kind that is known. */
export async function openStore({ lakehouse, s3 }: Pick<Settings, 'lakehouse' | 's3'>): Promise<Store> {
  const { localStore, s3Store } = await import('@eventlake/delta');
  if (/^s3:\/\//i.test(lakehouse)) {
    const { endpoint, region, forcePathStyle, caFile } = s3;
    return s3Store(lakehouse, {
      ...(endpoint !== undefined && { endpoint }),
      ...(region !== undefined && { region }),
      ...(forcePathStyle !== undefined && { forcePathStyle }),
      ...(caFile !== undefined && { ca: await certificates(caFile) }),
    });
  }
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(lakehouse)) {
    throw new EventlakeError(
      'invalid',
      `Tables at ${lakehouse} are not supported`,
      { setting: 'lakehouse' },
      'Name a folder of this machine, or s3://bucket/prefix.',
    );
  }
  return localStore(lakehouse);
}

/** Kafka where the settings name brokers, else the log of the data folder, made where it is not there yet. */
export async function openLog(settings: Settings, stopping?: AbortSignal): Promise<EventLog> {
  if (settings.log.kafka.brokers) {
    const { openKafkaLog } = await import('./log/kafka-log.js');
    return openKafkaLog(settings.log.kafka, stopping);
  }
  const { openEmbeddedLog } = await import('./log/embedded-log.js');
  return openEmbeddedLog({ dir: logFolder(settings) });
}

/** A topic that Kafka has already belongs to whoever made it: its partitions and its retention stay as they are. */
export async function provideTopic(log: EventLog, topic: string, { log: options }: Settings): Promise<void> {
  if (options.kafka.brokers) {
    try {
      await log.topic(topic);
      return;
    } catch (error) {
      if (!(error instanceof EventlakeError) || error.kind !== 'not-found') throw error;
    }
  }
  await log.createTopic(topic, options);
}

/** The log, or undefined where there is none: looking at something must not make it. */
export async function openExistingLog(settings: Settings): Promise<EventLog | undefined> {
  if (settings.log.kafka.brokers) return openLog(settings);
  const exists = await access(logFolder(settings)).then(
    () => true,
    () => false,
  );
  return exists ? openLog(settings) : undefined;
}

function logFolder({ dataDir }: Settings): string {
  return join(dataDir, 'log');
}

async function certificates(caFile: string): Promise<string> {
  return readFile(caFile, 'utf8').catch((cause: unknown) => {
    throw new EventlakeError(
      'invalid',
      `The certificates of the store cannot be read: ${caFile}`,
      { setting: 's3.caFile' },
      'Give the path of a PEM file.',
      { cause },
    );
  });
}

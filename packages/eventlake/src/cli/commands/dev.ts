import type { Command } from 'commander';
import type { Settings } from '../../config.js';
import type { Observed } from '../../metrics/observe.js';
import type { PipelineDefinition } from '../../schema/definition.js';
import type { StatusReader } from '../../status.js';
import type { Invocation } from '../invocation.js';
import { invoke } from '../invocation.js';
import { JOBS } from '../jobs.js';
import { addDataLoss, dataLossFlags } from '../options.js';
import { stopSignal } from '../stop-signal.js';

/** Ctrl-C is done in less than three seconds; whoever is not by then is killed, which loses nothing either. */
const STOP_DEADLINE_MS = 2_500;
const DEV_INTERVAL_MS = 60_000;

/**
 * A job's bytes lie in the engine and in buffers, and of its objects hardly any outlives a scavenge: by default V8 lets the
 * room for young ones grow to three times 16 MiB, in each process.
 */
const JOB_NODE_FLAGS = ['--max-semi-space-size=2'];

/**
 * What is as large as this, in bytes, is given back to the system as soon as it is freed. By default glibc raises the bound up to
 * 32 MiB with each large piece that is freed, and pieces of that size then lie between others for good. It reads its bounds
 * when a process starts (mallopt(3)); other C libraries do not know the name.
 */
const GIVEN_BACK_FROM = { name: 'MALLOC_MMAP_THRESHOLD_', bytes: 1024 * 1024 };

interface DevOptions {
  rate?: string;
  port?: string;
  producer: boolean;
  live: boolean;
  onDataLoss?: string;
}

export function registerDev(program: Command): void {
  addDataLoss(program.command('dev'))
    .description('everything at once: the simulated producer, all jobs, the ClickHouse endpoint')
    .option(
      '--rate <n>',
      'events a second of the producer; 0: as fast as it can (setting producer.ratePerSecond)',
    )
    .option('--port <n>', 'port of the endpoint; 0: any free one (setting clickhouse.port)')
    .option('--no-producer', 'only what comes in by `eventlake ingest`')
    .option('--no-live', 'log lines instead of the live view')
    .addHelpText(
      'after',
      `
Each part is a process of its own that runs the very command that production runs, restarted when it fails. The batch
jobs run once a minute unless their intervalMs is set, \`verify\` as often as verify.intervalMs says. Ctrl-C stops everything and loses nothing; the next start goes on.

Examples:
  eventlake dev
  eventlake dev --rate 5000
  eventlake dev --no-producer --port 0`,
    )
    .action(async (options: DevOptions, command: Command) => {
      const invocation = await invoke(command, [
        ...(options.rate ? [{ path: 'producer.ratePerSecond', value: options.rate, flag: '--rate' }] : []),
        ...(options.port ? [{ path: 'clickhouse.port', value: options.port, flag: '--port' }] : []),
        ...dataLossFlags(options),
      ]);
      await dev(invocation, options);
    });
}

async function dev(invocation: Invocation, options: DevOptions): Promise<void> {
  const { settings, json } = invocation;
  const { acquireLock } = await import('../../system/lock.js');
  const { supervise } = await import('./dev/supervisor.js');
  const { openScreen } = await import('./dev/screen.js');
  const { openStatus } = await import('../open/status.js');
  const signal = stopSignal();
  await portMustBeFree(settings);
  const lock = await acquireLock(settings.dataDir, 'dev');
  const status = await openStatus(settings);
  const watched = await watch(invocation, status.reader);
  const screen = openScreen({
    settings,
    status: status.reader,
    queries: queriesToTry(status.pipeline),
    json,
    live: options.live,
  });
  // For the children.
  process.env[GIVEN_BACK_FROM.name] ??= String(GIVEN_BACK_FROM.bytes);
  const supervisor = supervise(childrenOf(invocation, options.producer), {
    onLine: (name, line) => screen.line(name, line),
    onMessage: (name, message) => screen.message(name, message),
    onExit: (name, code, killedBy, retryInMs) => screen.exit(name, code, killedBy, retryInMs),
  });
  process.on('exit', () => supervisor.kill());
  screen.start(() => supervisor.states());
  const failure = await Promise.race([supervisor.ended, aborted(signal)]);
  const startedMs = performance.now();
  screen.stopping();
  const { killed } = await supervisor.stop(
    [['producer', 'verify'], JOBS.map(({ name }) => name), ['serve']],
    STOP_DEADLINE_MS,
  );
  await screen.stopped({ durationMs: performance.now() - startedMs, killed, failure });
  await watched?.close();
  await status.close();
  await lock.release();
  if (failure) process.exitCode = failure.code;
}

/** Known before anything is started; what the folder's own endpoint holds is another matter, see the supervisor. */
async function portMustBeFree({ dataDir, clickhouse }: Settings): Promise<void> {
  const { url, host, port } = clickhouse;
  if (url !== undefined || port === 0) return;
  const { findEndpoint } = await import('../../serving/endpoint/endpoint-file.js');
  if (await findEndpoint(dataDir)) return;
  const { mustBeFree } = await import('../../system/ports.js');
  await mustBeFree({ host, port }, 'clickhouse');
}

/** With `metrics.port`, the parent answers for its children: where ClickHouse is a server, nobody else does. */
async function watch({ settings }: Invocation, status: StatusReader): Promise<Observed | undefined> {
  if (settings.metrics.port === undefined) return undefined;
  const { observe } = await import('../../metrics/observe.js');
  const observed = await observe({ name: 'dev', settings, status, collects: true });
  observed.setReady(undefined);
  return observed;
}

/** The first live table summed up, since its rows are increments; or as it is, which is shorter. */
function queriesToTry({ live }: PipelineDefinition): string[] {
  const { name, by, count } = live.tables[0]!;
  return [
    `SELECT ${by.join(', ')}, sum(${count}) FROM ${name} GROUP BY ${by.join(', ')}`,
    `SELECT * FROM ${name}`,
  ];
}

function childrenOf(
  invocation: Invocation,
  withProducer: boolean,
): import('./dev/supervisor.js').ChildSpec[] {
  const { settings } = invocation;
  const flags = sharedFlags(invocation);
  const command = (args: readonly string[], nodeFlags: readonly string[] = []): [string, ...string[]] => [
    process.execPath,
    ...nodeFlags,
    ...process.execArgv,
    process.argv[1]!,
    ...args,
    ...flags,
    '--json',
  ];
  const embedded = settings.clickhouse.url === undefined;
  const { intervalMs } = settings.verify;
  return [
    ...(embedded ? [{ name: 'serve', command: command(['serve']) }] : []),
    ...(withProducer ? [{ name: 'producer', command: command(['run', 'producer']) }] : []),
    // Who needs ClickHouse waits for the endpoint, instead of opening the folder in its own process.
    ...JOBS.map(({ name }) => ({ name, command: command(['run', name], JOB_NODE_FLAGS) })),
    ...(intervalMs === undefined
      ? []
      : [{ name: 'verify', command: command(['verify', '--every', String(Math.ceil(intervalMs / 1000))]) }]),
  ];
}

/** The children read the same settings file and variables; what came by flags is handed on. */
function sharedFlags({ settings, flags, origins, configFile }: Invocation): string[] {
  const intervals = ['bronzeToSilver.intervalMs', 'silverToGold.intervalMs'].filter(
    (path) => origins.get(path)?.kind === 'default',
  );
  return [
    '--data-dir',
    settings.dataDir,
    ...(configFile ? ['--config', configFile] : []),
    ...flags
      .filter(({ path }) => path !== 'dataDir')
      .flatMap(({ path, value }) => ['--set', `${path}=${value}`]),
    ...intervals.flatMap((path) => ['--set', `${path}=${DEV_INTERVAL_MS}`]),
  ];
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined));
  });
}

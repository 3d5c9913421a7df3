import type { Command } from 'commander';
import { EventlakeError } from '../../errors.js';
import { invoke } from '../invocation.js';
import { stopSignal, tellParent } from '../stop-signal.js';

export function registerServe(program: Command): void {
  program
    .command('serve')
    .description('the ClickHouse endpoint on this data folder, until stopped')
    .option('--port <n>', 'port to listen on; 0: any free one (setting clickhouse.port)')
    .option('--host <address>', 'address to listen on (setting clickhouse.host)')
    .addHelpText(
      'after',
      `
Examples:
  eventlake serve
  eventlake serve --port 9000
  curl http://127.0.0.1:8123/ --data-binary 'SHOW DATABASES'`,
    )
    .action(async (options: { port?: string; host?: string }, command: Command) => {
      const { settings, json } = await invoke(command, [
        ...(options.port ? [{ path: 'clickhouse.port', value: options.port, flag: '--port' }] : []),
        ...(options.host ? [{ path: 'clickhouse.host', value: options.host, flag: '--host' }] : []),
      ]);
      const { url: server, user, password, host, port } = settings.clickhouse;
      const tls = tlsFiles(settings);
      if (server) {
        throw new EventlakeError(
          'invalid',
          'There is nothing to serve: ClickHouse is a server of its own',
          { setting: 'clickhouse.url', url: server },
          'Unset clickhouse.url to use the embedded one.',
        );
      }
      const { makeLogger } = await import('../terminal/logger.js');
      const { acquireLock } = await import('../../system/lock.js');
      const { loadPipeline } = await import('../../config/load-pipeline.js');
      const { deltaTables } = await import('../../schema/tables.js');
      const { startEndpoint } = await import('../../serving/endpoint/start.js');
      const signal = stopSignal();
      const logger = makeLogger('serve', settings.logLevel, json);
      const lock = await acquireLock(settings.dataDir, 'serve');
      const pipeline = await loadPipeline(settings.pipeline, process.cwd());
      const lake = { root: settings.lakehouse, s3: settings.s3, tables: deltaTables(pipeline) };
      const watched = await watch(settings);
      const endpoint = await startEndpoint({
        dataDir: settings.dataDir,
        host,
        port,
        reader: { user, password },
        lake,
        tls,
        logger,
        metrics: watched.metrics,
      });
      try {
        await ensureTables(settings, logger, pipeline);
        logger.info({ url: endpoint.url }, 'ClickHouse answers');
        tellParent({ type: 'ready', url: endpoint.url });
        await aborted(signal);
      } finally {
        await endpoint.close();
        await watched.close();
        await lock.release();
      }
      logger.info('stopped');
    });
}

/** @throws EventlakeError `invalid` for one without the other */
function tlsFiles({ clickhouse }: import('../../config.js').Settings) {
  const { certFile, keyFile } = clickhouse.tls;
  if (certFile && keyFile) return { certFile, keyFile };
  if (!certFile && !keyFile) return undefined;
  throw new EventlakeError(
    'invalid',
    'A certificate and its key come together',
    { setting: certFile ? 'clickhouse.tls.keyFile' : 'clickhouse.tls.certFile' },
    'Set both clickhouse.tls.certFile and clickhouse.tls.keyFile, or neither.',
  );
}

/** Whoever looks before the first event finds empty tables, not missing ones. */
async function ensureTables(
  settings: import('../../config.js').Settings,
  logger: import('pino').Logger,
  pipeline: import('../../schema/definition.js').PipelineDefinition,
): Promise<void> {
  const { connectServing } = await import('../../serving/connect.js');
  const { liveTables, servingTables } = await import('../../schema/tables.js');
  const { healthTables } = await import('../../schema/health.js');
  const serving = await connectServing({ settings, dataDir: settings.dataDir, logger });
  try {
    await serving.ensure([...liveTables(pipeline), ...servingTables(pipeline), ...healthTables]);
  } finally {
    await serving.close();
  }
}

/** The figures of this process, of the state, and of the jobs that run on the data folder. */
async function watch(settings: import('../../config.js').Settings) {
  const { observe } = await import('../../metrics/observe.js');
  const { endpointMetrics } = await import('../../metrics/endpoint-metrics.js');
  const { METRICS_CONTENT_TYPE: contentType } = await import('../../metrics/scrape.js');
  const { openStatus } = await import('../open/status.js');
  const status = await openStatus(settings);
  const observed = await observe({
    name: 'serve',
    settings,
    status: status.reader,
    collects: true,
    listens: false,
  });
  const figures = endpointMetrics(observed.registry);
  const page = async () => ({ text: await observed.text(), contentType });
  return { metrics: { figures, page }, close: () => status.close() };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve());
  });
}

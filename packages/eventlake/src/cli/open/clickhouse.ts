import type { Settings } from '../../config.js';
import { EventlakeError } from '../../errors.js';
import { makeLogger } from '../terminal/logger.js';

/** ClickHouse as a reader sees it. */
export interface ClickHouseReader {
  url: string;
  /** The statement's result in a ClickHouse format, as it comes. @throws EventlakeError with ClickHouse's message. */
  ask(sql: string, format: string): Promise<Answer>;
  close(): Promise<void>;
}

export interface Answer {
  body: AsyncIterable<Uint8Array>;
  /** Another one than was asked for, where the statement itself has a FORMAT clause. */
  format: string;
}

/** The server of `clickhouse.url`, the endpoint that runs on the data folder, or one of our own until `close`. */
export async function openClickHouse(settings: Settings): Promise<ClickHouseReader> {
  const { url, user, password } = settings.clickhouse;
  const credentials = { 'X-ClickHouse-User': user ?? 'default', 'X-ClickHouse-Key': password ?? '' };
  if (url) return reader(url, credentials);
  const { findEndpoint } = await import('../../serving/endpoint/endpoint-file.js');
  const running = await findEndpoint(settings.dataDir);
  if (running) return reader(running.url, credentials);
  await refuseEmptyFolder(settings.dataDir);
  const { loadPipeline } = await import('../../config/load-pipeline.js');
  const { deltaTables } = await import('../../schema/tables.js');
  const { startEndpoint } = await import('../../serving/endpoint/start.js');
  const pipeline = await loadPipeline(settings.pipeline, process.cwd());
  const own = await startEndpoint({
    dataDir: settings.dataDir,
    host: '127.0.0.1',
    port: 0,
    reader: { user, password },
    lake: { root: settings.lakehouse, s3: settings.s3, tables: deltaTables(pipeline) },
    logger: makeLogger('query', 'error', false),
  });
  return { ...reader(own.url, credentials), close: () => own.close() };
}

function reader(url: string, credentials: Record<string, string>): ClickHouseReader {
  return {
    url,
    async ask(sql, format) {
      const headers = { ...credentials, 'X-ClickHouse-Format': format };
      const response = await fetch(url, { method: 'POST', body: sql, headers }).catch((cause: Error) => {
        throw new EventlakeError(
          'unavailable',
          `ClickHouse does not answer: ${cause.message}`,
          { url },
          undefined,
          { cause },
        );
      });
      if (response.ok && response.body) {
        return { body: response.body, format: response.headers.get('X-ClickHouse-Format') ?? format };
      }
      const message = (await response.text()).trim();
      const kind = response.status === 401 || response.status === 403 ? 'forbidden' : 'invalid';
      throw new EventlakeError(kind, message || `ClickHouse answered with status ${response.status}`, {
        url,
      });
    },
    async close() {},
  };
}

/** A query must not make a data folder by mistake. */
async function refuseEmptyFolder(dataDir: string): Promise<void> {
  const { access } = await import('node:fs/promises');
  await access(dataDir).catch(() => {
    throw new EventlakeError(
      'not-found',
      'There is no data folder',
      { file: dataDir },
      '`eventlake dev` makes one and fills it; --data-dir names another.',
    );
  });
}

import { setTimeout as sleep } from 'node:timers/promises';
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import type { Logger } from 'pino';
import type { Settings } from '../config.js';
import { EventlakeError } from '../errors.js';
import { ClickHouseServing, type Connector } from './clickhouse-serving.js';
import { type EndpointFile, findEndpoint, readWriterSecret, WRITER } from './endpoint/endpoint-file.js';
import type { LakeOptions } from './endpoint/lake.js';
import type { Endpoint } from './endpoint/start.js';
import type { Serving } from './serving.js';

export interface ConnectOptions {
  settings: { clickhouse: Omit<Settings['clickhouse'], 'tls'>; lakehouse: string; s3?: Settings['s3'] };
  /** Delta tables that an embedded one in this process shows beside ClickHouse's own. */
  tables?: LakeOptions['tables'];
  dataDir: string;
  /** False: wait for the folder's endpoint instead of opening an embedded one, which would keep the folder from it. */
  opensOwn?: boolean;
  /** Ends the wait. */
  signal?: AbortSignal;
  logger: Logger;
}

/** Another process that opens or closes the folder is waited for so long. */
const FOLDER_WAIT_MS = 30_000;

/**
 * The server of `clickhouse.url`; without one, the endpoint that runs on this data folder; without that, an embedded one
 * in this process until `close`. Goes over to the next one by itself when the endpoint that it used goes away.
 *
 * @throws EventlakeError `unavailable`, `forbidden`
 */
export async function connectServing(options: ConnectOptions): Promise<Serving> {
  const { clickhouse } = options.settings;
  return ClickHouseServing.open(
    clickhouse.url === undefined ? embedded(options) : server(clickhouse.url, options),
  );
}

function server(url: string, { settings }: ConnectOptions): Connector {
  let client: ClickHouseClient | undefined;
  const { cluster } = settings.clickhouse;
  return {
    ...(cluster === undefined ? {} : { cluster }),
    async connect() {
      client ??= clientOf(url, settings.clickhouse.user ?? 'default', settings.clickhouse.password ?? '');
      return { client, url };
    },
    async close() {},
  };
}

function embedded(options: ConnectOptions): Connector {
  const { dataDir } = options;
  let own: Endpoint | undefined;
  return {
    async connect() {
      const found = await findOrStart(options, (endpoint) => {
        own = endpoint;
      });
      return { client: clientOf(found.url, WRITER, await readWriterSecret(dataDir)), url: found.url };
    },
    async close() {
      await own?.close();
    },
  };
}

async function findOrStart(
  { settings, dataDir, tables, logger, signal, opensOwn = true }: ConnectOptions,
  keep: (endpoint: Endpoint) => void,
): Promise<Pick<EndpointFile, 'url'>> {
  const deadline = Date.now() + FOLDER_WAIT_MS;
  for (;;) {
    const found = await findEndpoint(dataDir);
    if (found !== undefined) return found;
    if (!opensOwn) {
      if (Date.now() > deadline) throw noEndpoint(dataDir);
      await sleep(100, undefined, { signal });
      continue;
    }
    try {
      // Loaded only here: who talks to a server or a running endpoint never loads the engine.
      const { startEndpoint } = await import('./endpoint/start.js');
      const lake = tables && { root: settings.lakehouse, s3: settings.s3, tables };
      const endpoint = await startEndpoint({ dataDir, host: '127.0.0.1', port: 0, lake, logger });
      keep(endpoint);
      return endpoint;
    } catch (error) {
      if (!(error instanceof EventlakeError) || error.kind !== 'busy' || Date.now() > deadline) throw error;
      await sleep(100, undefined, { signal });
    }
  }
}

function noEndpoint(dataDir: string): EventlakeError {
  return new EventlakeError(
    'unavailable',
    'No ClickHouse endpoint runs on the data folder',
    { file: dataDir },
    'Start it with `eventlake serve`.',
  );
}

function clientOf(url: string, username: string, password: string): ClickHouseClient {
  return createClient({
    url,
    username,
    password,
    application: 'eventlake',
    request_timeout: 300_000,
    keep_alive: { enabled: true, idle_socket_ttl: 2500 },
    log: { level: 127 },
  });
}

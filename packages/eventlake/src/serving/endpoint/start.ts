import type { Logger } from 'pino';
import { EventlakeError } from '../../errors.js';
import { acquireLock, type Lock } from '../../system/lock.js';
import { answer, type Watched } from './answer.js';
import type { Users } from './auth.js';
import { ResultCache } from './cache/result-cache.js';
import { TableVersions } from './cache/table-versions.js';
import {
  clickhouseFolder,
  type EndpointFile,
  findEndpoint,
  removeEndpointFile,
  WRITER,
  writeEndpointFile,
  writerSecret,
} from './endpoint-file.js';
import { Engine } from './engine.js';
import { pathHider } from './hide-paths.js';
import { type LakeOptions, LakeTables } from './lake.js';
import { lakeAddress } from './lake-address.js';
import { defaultLimits, type EndpointLimits } from './limits.js';
import { type Listener, listen, mustNotBeOpenToAll } from './listen.js';
import { AdmissionQueue } from './queue.js';
import { ReadOnlyCheck } from './read-only-check.js';
import { ReaderConnections } from './reader-connections.js';
import { Sessions } from './sessions.js';
import type { TlsFiles } from './tls.js';

export interface EndpointOptions {
  dataDir: string;
  host: string;
  /** 0 takes any free port. */
  port: number;
  logger: Logger;
  /** Delta tables to show beside ClickHouse's own. */
  lake?: LakeOptions;
  /** Who may read: `default` and `reader` without a password, unless this says otherwise. */
  reader?: { user?: string; password?: string };
  limits?: Partial<EndpointLimits>;
  /** HTTPS there; jobs on this machine get a plain port on 127.0.0.1 beside it. */
  tls?: TlsFiles | undefined;
  /** Keeps figures of the queries, and shows them at `/metrics`. */
  metrics?: Watched;
}

export interface Endpoint {
  /** `http://127.0.0.1:8123` */
  url: string;
  close(): Promise<void>;
}

/**
 * ClickHouse in this process, on `<dataDir>/clickhouse`, behind HTTP as a ClickHouse server speaks it.
 *
 * @throws EventlakeError `busy` where another process has the folder or the port.
 */
export async function startEndpoint(options: EndpointOptions): Promise<Endpoint> {
  const { dataDir } = options;
  const limits = { ...defaultLimits, ...options.limits };
  // Held off by name: who has the folder is known before the engine's own lock refuses.
  const lock = await acquireLock(dataDir, 'clickhouse').catch(async (error) => {
    const other = await findEndpoint(dataDir);
    throw other === undefined ? error : alreadyServed(dataDir, other);
  });
  try {
    return await startOn(options, limits, lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function startOn(options: EndpointOptions, limits: EndpointLimits, lock: Lock): Promise<Endpoint> {
  const { dataDir, host, port, reader, logger, tls } = options;
  mustNotBeOpenToAll(host, reader);
  // The port first: that it is taken should be known before the engine has started.
  const outer = await listen({ host, port, limits, logger, tls });
  const listeners = [outer];
  let engine: Engine | undefined;
  if (!outer.isLocal && tls === undefined)
    logger.warn('without clickhouse.tls, passwords and data can be read on their way');
  try {
    // Jobs of this data folder know the address by its file, and need not trust a certificate.
    if (tls !== undefined) listeners.push(await listen({ host: '127.0.0.1', port: 0, limits, logger }));
    const users: Users = {
      readers: reader?.user === undefined ? ['default', 'reader'] : [reader.user],
      readerPassword: reader?.password,
      writer: WRITER,
      writerPassword: await writerSecret(dataDir),
    };
    const opened = await Engine.open(clickhouseFolder(dataDir), options.lake?.s3?.caFile);
    engine = opened;
    const queue = new AdmissionQueue(opened.concurrentMax, limits.waitingQueriesMax);
    const hidePaths = hiderFor(dataDir, options.lake);
    const versions = new TableVersions(opened);
    const cache = new ResultCache(limits.cache);
    const lake = new LakeTables(opened, options.lake, logger, () => versions.changed());
    await lake.refresh();
    const sessions = new Sessions(opened, limits.sessionsMax);
    const readers = new ReaderConnections(opened, queue.readersMax);
    const { metrics } = options;
    metrics?.figures.watch(() => ({
      running: queue.running,
      waiting: queue.waiting,
      connections: listeners.reduce((total, { connections }) => total + connections(), 0),
      cacheEntries: cache.entries,
      cacheBytes: cache.bytes,
    }));
    const context = {
      engine: opened,
      queue,
      sessions,
      readers,
      readOnly: new ReadOnlyCheck(),
      lake,
      versions,
      cache,
      limits,
      users,
      logger,
      metrics,
      hidePaths,
    };
    for (const { answerWith, isLocal } of listeners) {
      const onlyByLocalNames = isLocal && reader?.password === undefined;
      answerWith((message, response) => {
        answer(context, message, response, onlyByLocalNames).catch((error: unknown) => {
          logger.error({ err: error }, 'a request could not be answered');
          response.destroy();
        });
      });
    }
    const { url } = listeners.at(-1)!;
    await writeEndpointFile(dataDir, { pid: process.pid, url, startedAt: new Date().toISOString() });
    const close = () =>
      stop(listeners, [sessions, readers], opened, dataDir, limits).finally(() => lock.release());
    return { url: outer.url, close: once(close) };
  } catch (error) {
    for (const { server } of listeners) {
      server.closeAllConnections();
      server.close();
    }
    // Who tries again in this process must find the folder free.
    await engine?.close();
    throw error;
  }
}

function hiderFor(dataDir: string, lake: LakeOptions | undefined): ReturnType<typeof pathHider> {
  const address = lake && lakeAddress(lake);
  if (lake === undefined || typeof address !== 'object') return pathHider([dataDir]);
  if (address.engine === 'DeltaLakeLocal') return pathHider([dataDir, lake.root]);
  // The bucket, and what is asked of it.
  const prefix = lake.root.replace(/^s3:\/\/[^/]+/i, '').replaceAll(/^\/+|\/+$/g, '');
  const bucket = address.base.slice(0, address.base.length - prefix.length);
  return pathHider([dataDir], [bucket, lake.root, ...(prefix === '' ? [] : [`${prefix}/`])]);
}

function alreadyServed(dataDir: string, other: EndpointFile): EventlakeError {
  return new EventlakeError(
    'busy',
    `process ${other.pid} serves this data folder already`,
    { url: other.url, file: clickhouseFolder(dataDir) },
    `use ${other.url}, or stop that process first`,
  );
}

async function stop(
  listeners: readonly Listener[],
  connections: readonly (Sessions | ReaderConnections)[],
  engine: Engine,
  dataDir: string,
  limits: EndpointLimits,
): Promise<void> {
  await removeEndpointFile(dataDir);
  await Promise.all(listeners.map(({ server }) => closed(server, limits)));
  for (const kept of connections) await kept.close();
  await engine.close();
}

async function closed(server: Listener['server'], limits: EndpointLimits): Promise<void> {
  const whole = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), limits.shutdownGraceMs);
  await whole;
  clearTimeout(cut);
}

function once(f: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | undefined;
  return () => {
    result ??= f();
    return result;
  };
}

import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { EventlakeError } from '../../errors.js';
import { acquireLock, type Lock } from '../../lock.js';
import { authenticate, type Users } from './auth.js';
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
import { ClickHouseException } from './errors.js';
import { type ExecuteContext, execute } from './execute.js';
import { type LakeOptions, LakeTables } from './lake.js';
import { defaultLimits, type EndpointLimits } from './limits.js';
import { AdmissionQueue } from './queue.js';
import { readRequest } from './request.js';
import { sendError } from './respond.js';

export interface EndpointOptions {
  dataDir: string;
  host: string;
  /** 0 takes any free port. */
  port: number;
  logger: Logger;
  /** Delta tables to show beside ClickHouse's own. */
  lake?: LakeOptions;
  /** Readers need a password where this is given. */
  readerPassword?: string;
  limits?: Partial<EndpointLimits>;
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
  const { dataDir, host, port, logger } = options;
  // The port first: that it is taken should be known before the engine has started.
  const server = createServer({
    maxHeaderSize: limits.headerBytesMax,
    noDelay: true,
    keepAliveTimeout: 30_000,
  });
  server.headersTimeout = limits.stallMs;
  server.requestTimeout = 0;
  const starting = new Gate();
  server.on('request', (message, response) => starting.pass(message, response));
  const url = await listen(server, host, port);
  try {
    const users: Users = {
      readers: ['default', 'reader'],
      readerPassword: options.readerPassword,
      writer: WRITER,
      writerPassword: await writerSecret(dataDir),
    };
    const engine = await Engine.open(clickhouseFolder(dataDir));
    const queue = new AdmissionQueue(engine.concurrentMax, limits.waitingQueriesMax);
    const lake = new LakeTables(engine, options.lake, logger);
    await lake.refresh();
    const context = { engine, queue, lake, limits, users, logger };
    starting.open((message, response) => void answer(context, message, response));
    await writeEndpointFile(dataDir, { pid: process.pid, url, startedAt: new Date().toISOString() });
    const close = () => stop(server, engine, dataDir, limits).finally(() => lock.release());
    return { url, close: once(close) };
  } catch (error) {
    server.closeAllConnections();
    server.close();
    throw error;
  }
}

function alreadyServed(dataDir: string, other: EndpointFile): EventlakeError {
  return new EventlakeError(
    'busy',
    `process ${other.pid} serves this data folder already`,
    { url: other.url, file: clickhouseFolder(dataDir) },
    `use ${other.url}, or stop that process first`,
  );
}

interface AnswerContext extends ExecuteContext {
  users: Users;
  logger: Logger;
}

async function answer(
  context: AnswerContext,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(message.url ?? '/', 'http://localhost');
  // Node would advertise its own time-out to the second, and a client that reuses the connection then is cut off.
  response.setHeader('Keep-Alive', 'timeout=10');
  response.setHeader('Connection', 'Keep-Alive');
  const queryId = url.searchParams.get('query_id') || randomUUID();
  try {
    if (url.pathname === '/ping' || url.pathname === '/replicas_status') {
      response.setHeader('X-Eventlake-Pid', process.pid);
      response.setHeader('Content-Type', 'text/html; charset=UTF-8');
      response.end('Ok.\n');
      return;
    }
    if (url.pathname !== '/' && url.pathname !== '/query') return notFound(response);
    if (url.pathname === '/' && message.method === 'GET' && !url.searchParams.has('query')) {
      response.setHeader('Content-Type', 'text/html; charset=UTF-8');
      response.end('Ok.\n');
      return;
    }
    const role = authenticate(context.users, message.headers, url.searchParams);
    const request = readRequest(message, url.searchParams);
    await execute(context, role, request, message, response, queryId);
  } catch (error) {
    const exception = ClickHouseException.from(error);
    if (!(error instanceof ClickHouseException)) context.logger.error({ err: error }, 'a request failed');
    if (!message.complete) response.setHeader('Connection', 'close');
    sendError(response, exception, context.engine, queryId);
  }
}

function notFound(response: ServerResponse): void {
  response.statusCode = 404;
  response.end('There is no handle for this address. Queries go to /, a sign of life comes from /ping.\n');
}

/** Lets requests wait while the engine starts. */
class Gate {
  #handler: ((message: IncomingMessage, response: ServerResponse) => void) | undefined;
  readonly #waiting: [IncomingMessage, ServerResponse][] = [];

  pass(message: IncomingMessage, response: ServerResponse): void {
    if (this.#handler !== undefined) this.#handler(message, response);
    else this.#waiting.push([message, response]);
  }

  open(handler: (message: IncomingMessage, response: ServerResponse) => void): void {
    this.#handler = handler;
    for (const [message, response] of this.#waiting.splice(0)) handler(message, response);
  }
}

function listen(server: Server, host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new EventlakeError(
              'busy',
              `port ${port} on ${host} is taken by another program`,
              { setting: 'clickhouse.port' },
              '`eventlake doctor` says who has the port; --set clickhouse.port=0 takes any free one',
              { cause: error },
            )
          : new EventlakeError(
              'unavailable',
              `cannot listen on ${host}:${port}: ${error.message}`,
              { setting: 'clickhouse.host' },
              'choose an address of this machine',
              { cause: error },
            ),
      );
    });
    server.listen({ host, port }, () => {
      const address = server.address() as AddressInfo;
      const name =
        host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
      resolve(`http://${name}:${address.port}`);
    });
  });
}

async function stop(server: Server, engine: Engine, dataDir: string, limits: EndpointLimits): Promise<void> {
  await removeEndpointFile(dataDir);
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), limits.shutdownGraceMs);
  await closed;
  clearTimeout(cut);
  await engine.close();
}

function once(f: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | undefined;
  return () => {
    result ??= f();
    return result;
  };
}

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { EndpointMetrics } from '../../metrics/endpoint-metrics.js';
import { authenticate, type Users } from './auth.js';
import { ClickHouseException, exceptions } from './errors.js';
import { type ExecuteContext, execute } from './execute.js';
import { answerPlay } from './play.js';
import { readRequest } from './request.js';
import { failed, sendError } from './respond.js';

export interface AnswerContext extends ExecuteContext {
  users: Users;
  logger: Logger;
  metrics: Watched | undefined;
}

/** Who watches the endpoint. */
export interface Watched {
  figures: EndpointMetrics;
  /** The page of `/metrics`, and its content type. */
  page(): Promise<{ text: string; contentType: string }>;
}

/** One request, whatever it is. Never throws. */
export async function answer(
  context: AnswerContext,
  message: IncomingMessage,
  response: ServerResponse,
  onlyByLocalNames: boolean,
): Promise<void> {
  let queryId: string = randomUUID();
  let compress = false;
  try {
    const { pathname, searchParams } = urlOf(message);
    queryId = readableId(searchParams.get('query_id')) ?? queryId;
    compress = searchParams.get('compress') === '1';
    if (onlyByLocalNames) mustNameThisMachine(message.headers.host);
    const isQuery = (pathname === '/' || pathname === '/query') && isForUs(message, searchParams);
    if (!isQuery && pathname !== '/metrics') return await answerPlain(context, pathname, response);
    const role = authenticate(context.users, message.headers, searchParams);
    if (!isQuery) return await answerMetrics(context, response);
    const request = readRequest(message, searchParams);
    countQuery(context, role, message, response);
    await execute(context, role, request, message, response, queryId);
  } catch (error) {
    // The client has gone, or its connection broke: nobody is there to be told.
    if (response.destroyed || response.socket === null || response.socket.destroyed) return;
    const exception = ClickHouseException.from(error);
    if (!(error instanceof ClickHouseException)) context.logger.error({ err: error }, 'a request failed');
    if (!message.complete) response.setHeader('Connection', 'close');
    sendError(response, exception, context.engine, { queryId, compress });
  }
}

/** A browser or a health check that asks for / wants a sign of life; a client wants a query run. */
function isForUs(message: IncomingMessage, parameters: URLSearchParams): boolean {
  return message.method === 'POST' || parameters.has('query');
}

async function answerPlain(context: AnswerContext, path: string, response: ServerResponse): Promise<void> {
  response.setHeader('Content-Type', 'text/html; charset=UTF-8');
  response.setHeader('X-Eventlake-Pid', process.pid);
  if (path === '/ready' && !(await isReady(context))) {
    response.statusCode = 503;
    response.end('The engine does not answer.\n');
    return;
  }
  if (['/', '/ping', '/replicas_status', '/health', '/ready'].includes(path)) {
    response.end('Ok.\n');
    return;
  }
  if (path === '/play') return answerPlay(response);
  response.statusCode = 404;
  response.end('There is no handle for this address. Queries go to /, a sign of life comes from /ping.\n');
}

async function answerMetrics({ metrics }: AnswerContext, response: ServerResponse): Promise<void> {
  if (metrics === undefined) {
    response.statusCode = 404;
    response.end('This process keeps no figures.\n');
    return;
  }
  const { text, contentType } = await metrics.page();
  response.setHeader('Content-Type', contentType);
  response.end(text);
}

const READY_WITHIN_MS = 3000;

async function isReady({ engine }: AnswerContext): Promise<boolean> {
  const late = sleep(READY_WITHIN_MS, false, { ref: false });
  const works = engine.administer('SELECT 1').then(
    ([one]) => one === '1',
    () => false,
  );
  return Promise.race([works, late]);
}

function countQuery(
  { metrics }: AnswerContext,
  role: string,
  { socket }: IncomingMessage,
  response: ServerResponse,
): void {
  if (metrics === undefined) return;
  const startedMs = performance.now();
  const bytesBefore = socket.bytesWritten;
  response.once('close', () => {
    const outcome = !response.writableFinished
      ? failed.has(response)
        ? 'error'
        : 'cancelled'
      : response.statusCode < 400
        ? 'ok'
        : 'error';
    const seconds = (performance.now() - startedMs) / 1000;
    metrics.figures.query({ role, outcome, seconds, resultBytes: socket.bytesWritten - bytesBefore });
  });
}

function urlOf(message: IncomingMessage): URL {
  try {
    return new URL(`http://localhost${message.url ?? '/'}`);
  } catch {
    throw exceptions.badParameter('The address cannot be read');
  }
}

/** It goes back in a header. */
function readableId(id: string | null): string | undefined {
  return id !== null && /^[\x21-\x7e]{1,200}$/.test(id) ? id : undefined;
}

/**
 * Who needs no password is whoever sits at this machine, not a web page whose name was made to point here: its requests
 * name that page's host.
 */
function mustNameThisMachine(header: string | undefined): void {
  const name = (header ?? '')
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
  const local =
    isIP(name) !== 0 ||
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === hostname().toLowerCase();
  if (!local)
    throw exceptions.refused(`the name ${name.slice(0, 100)} for this machine; use 127.0.0.1 or localhost`);
}

import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { CacheResult, EndpointMetrics } from '../../metrics/endpoint-metrics.js';
import type { Role } from './auth.js';
import { type RequestSql, readSql, spool } from './body.js';
import { cacheKey } from './cache/key.js';
import type { CachedResult, ResultCache } from './cache/result-cache.js';
import type { TableVersions } from './cache/table-versions.js';
import type { Engine, EngineConnection } from './engine.js';
import { ClickHouseException, exceptions } from './errors.js';
import type { LakeTables } from './lake.js';
import type { EndpointLimits } from './limits.js';
import { helloAnswer } from './native/hello.js';
import { preamble } from './preamble.js';
import type { AdmissionQueue } from './queue.js';
import type { ReadOnlyCheck } from './read-only-check.js';
import type { ReaderConnections } from './reader-connections.js';
import type { QueryRequest } from './request.js';
import { ResultWriter } from './respond.js';
import { sendRows } from './send-rows.js';
import type { Sessions } from './sessions.js';
import { forbiddenDatabases } from './sql/forbidden.js';
import { whyRefused } from './sql/guard.js';
import { quoteString } from './sql/quote.js';

export interface ExecuteContext {
  engine: Engine;
  queue: AdmissionQueue;
  sessions: Sessions;
  readers: ReaderConnections;
  readOnly: ReadOnlyCheck;
  lake: LakeTables;
  versions: TableVersions;
  cache: ResultCache;
  metrics: { figures: Pick<EndpointMetrics, 'cache'> } | undefined;
  limits: EndpointLimits;
  /** For readers: what an error tells of this machine. */
  hidePaths(error: ClickHouseException): ClickHouseException;
}

/** What one request has brought along. */
interface Work {
  role: Role;
  request: QueryRequest;
  sql: RequestSql;
  /** Statements that make the connection the request's own. */
  before: string;
  format: string;
  /** Where an INSERT's data are spooled. */
  file: string;
  queryId: string;
  response: ServerResponse;
  gone: AbortSignal;
  /** The result is one that others may share; called when it is known to be too long for that. */
  unshared?: () => void;
}

/** Runs one request's statement and answers it. @throws ClickHouseException before anything is sent. */
export async function execute(
  context: ExecuteContext,
  role: Role,
  request: QueryRequest,
  message: IncomingMessage,
  response: ServerResponse,
  queryId: string,
): Promise<void> {
  const { engine, limits } = context;
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  const queryBytesMax = Math.min(
    limits.queryBytesMax,
    role === 'reader' ? limits.reader.queryBytesMax : Number.POSITIVE_INFINITY,
  );
  const sql = await readSql(message, request, { ...limits, queryBytesMax });
  if (sql.text.trim() === '') throw exceptions.emptyQuery();
  if (role === 'reader') guard(sql.text, request);
  const before = preamble(role, request, limits);
  const format = formatOf(sql, request);
  const file = join(engine.folder, 'spool', randomUUID());
  const work: Work = { role, request, sql, before, format, file, queryId, response, gone: gone.signal };
  try {
    const hello = helloAnswer(sql.text, request.clientProtocolVersion, engine);
    if (hello !== undefined) return await sendWhole(context, work, hello);
    if (sql.data !== undefined) await spool(sql.data, file);
    if (role === 'reader' && sql.statement.kind === 'rows') await runOnce(context, work);
    else await runInTurn(context, work);
    if (!response.destroyed) await finished(response).catch(() => {});
  } catch (error) {
    const exception = ClickHouseException.from(error);
    throw role === 'reader' ? context.hidePaths(exception) : exception;
  } finally {
    if (sql.data !== undefined) await rm(file, { force: true });
  }
}

/** A reader's query: from the cache, together with an equal one that runs already, or by itself. */
async function runOnce(context: ExecuteContext, work: Work): Promise<void> {
  const { cache, lake, metrics, versions } = context;
  await lake.refresh();
  const key = await cacheKey(work.sql.text, work.format, work.request, versions);
  const count = (result: CacheResult) => metrics?.figures.cache(result);
  if (key === undefined) {
    count('uncacheable');
    return void (await runInTurn(context, work));
  }
  const kept = cache.get(key);
  if (kept !== undefined) {
    count('hit');
    return sendCached(context, work, kept, 'hit');
  }
  const running = cache.running(key);
  const shared = running && (await orGone(running, work.gone));
  if (work.gone.aborted) return;
  if (shared !== undefined) {
    count('shared');
    return sendCached(context, work, shared, 'shared');
  }
  count('miss');
  // What could not be shared, being too long or wrong, is not waited for a second time.
  if (running !== undefined) return void (await runInTurn(context, work));
  const done = cache.begin(key);
  let result: CachedResult | undefined;
  try {
    result = await runInTurn(context, { ...work, unshared: () => done(undefined) });
  } finally {
    done(result);
  }
}

async function sendCached(
  context: ExecuteContext,
  work: Work,
  { bytes, isPlain, result }: CachedResult,
  how: string,
): Promise<void> {
  work.response.setHeader('X-Eventlake-Cache', how);
  const writer = writerOf(context, work);
  if (isPlain) writer.replace(bytes);
  else await writer.write(bytes);
  writer.end(result);
}

function orGone<T>(promise: Promise<T>, gone: AbortSignal): Promise<T | undefined> {
  if (gone.aborted) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const leave = () => resolve(undefined);
    gone.addEventListener('abort', leave, { once: true });
    promise.then(resolve, leave).finally(() => gone.removeEventListener('abort', leave));
  });
}

/** @returns the result where it was sent whole, and is short enough to be kept */
async function runInTurn(context: ExecuteContext, work: Work): Promise<CachedResult | undefined> {
  const { queue } = context;
  const { role, gone } = work;
  const leave = await queue.enter(role, gone);
  if (leave === undefined) {
    if (gone.aborted) return undefined;
    throw exceptions.tooManyQueries(queue.running, queue.waiting);
  }
  try {
    return await (role === 'reader' ? runAsReader(context, work) : runAsWriter(context, work));
  } finally {
    leave();
  }
}

async function runAsReader(context: ExecuteContext, work: Work): Promise<CachedResult | undefined> {
  const { executionSecondsMax } = context.limits.reader;
  const connection = await context.readers.take(work.before);
  // The engine looks at its own bound between blocks, not while it waits for a client to take one.
  const cutOff = setTimeout(
    () => work.response.destroy(),
    executionSecondsMax * 1000 + context.limits.stallMs,
  );
  try {
    return await run(context, { ...work, before: '' }, connection);
  } finally {
    clearTimeout(cutOff);
    await context.readers.giveBack(work.before, connection);
  }
}

async function runAsWriter(context: ExecuteContext, work: Work): Promise<undefined> {
  const { engine, sessions } = context;
  const { sessionId, sessionTimeoutSeconds } = work.request;
  const connection = sessionId === undefined ? engine.connect() : sessions.take(sessionId, work.request);
  try {
    await run(context, work, connection);
  } finally {
    if (sessionId === undefined) await connection.close();
    else sessions.release(sessionId, sessionTimeoutSeconds);
  }
}

async function run(
  context: ExecuteContext,
  work: Work,
  connection: EngineConnection,
): Promise<CachedResult | undefined> {
  const { lake, limits, versions } = context;
  const { role, sql, before, format } = work;
  await lake.refresh();
  if (role === 'reader') await context.readOnly.mustOnlyRead(connection, sql.text);
  if (sql.statement.kind === 'rows') {
    const bytesMax = role === 'reader' ? limits.reader.resultBytesMax : Number.POSITIVE_INFINITY;
    const writer = writerOf(context, work);
    try {
      await sendRows(connection, before, sql.statement, writer, bytesMax, work.gone);
    } finally {
      if (role === 'writer' && /\binsert\b/i.test(sql.text)) versions.changed();
    }
    return writer.recorded;
  }
  const text = sql.statement.kind === 'insert' ? insertFrom(work, sql.statement) : sql.statement.sql;
  const result = await connection.run(`${before}${text}`, format).finally(() => {
    versions.changedBy(sql.statement.kind === 'insert' ? sql.statement.head : text);
  });
  // A statement that is stopped half-way is none: without an answer the client will not take it for done.
  const writer = writerOf(context, work, null);
  if (result.bytes.length > 0) await writer.write(Buffer.from(result.bytes));
  writer.end(result);
  return undefined;
}

async function sendWhole(context: ExecuteContext, work: Work, bytes: Buffer): Promise<void> {
  const writer = writerOf(context, work, null);
  await writer.write(bytes);
  writer.end(undefined);
}

/** @param encoding null where the engine does not compress */
function writerOf(context: ExecuteContext, work: Work, encoding: null | undefined = undefined): ResultWriter {
  const { engine, limits } = context;
  const { request, queryId, format } = work;
  const bytesHeld = request.waitEndOfQuery ? limits.wholeBytesHeld : limits.firstBytesHeld;
  return new ResultWriter(work.response, engine, bytesHeld, {
    queryId,
    format,
    encoding: encoding === null ? undefined : request.encoding,
    compress: request.compress,
    ...(work.unshared ? { recordBytesMax: limits.cache.resultBytesMax, unrecorded: work.unshared } : {}),
    ...(work.role === 'reader' ? { hide: context.hidePaths } : {}),
  });
}

/** @throws ClickHouseException */
function guard(text: string, request: QueryRequest): void {
  if (forbiddenDatabases.has(request.database?.toLowerCase() ?? '')) {
    throw exceptions.refused(`${request.database} as the current database; name it with its tables`);
  }
  const why = whyRefused(text, request.parameters);
  if (why !== undefined) throw exceptions.refused(why);
}

function insertFrom(work: Work, statement: { head: string; settings: string; format: string }): string {
  const { encoding } = work.sql;
  const compression = encoding === undefined ? '' : ` COMPRESSION ${quoteString(encoding)}`;
  const from = `FROM INFILE ${quoteString(work.file)}${compression}`;
  return `${statement.head} ${from} ${statement.settings} FORMAT ${statement.format}`;
}

/** @throws ClickHouseException */
function formatOf(sql: RequestSql, request: QueryRequest): string {
  const format = (sql.statement.kind === 'rows' ? sql.statement.format : undefined) ?? request.defaultFormat;
  if (!/^[A-Za-z][A-Za-z0-9_]{0,60}$/.test(format)) throw exceptions.unknownFormat(format);
  return format;
}

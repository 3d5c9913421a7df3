import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { Role } from './auth.js';
import { type RequestSql, readSql, spool } from './body.js';
import type { Engine, EngineConnection } from './engine.js';
import { ClickHouseException, exceptions } from './errors.js';
import type { LakeTables } from './lake.js';
import type { EndpointLimits } from './limits.js';
import { preamble } from './preamble.js';
import type { AdmissionQueue } from './queue.js';
import type { QueryRequest } from './request.js';
import { ResultWriter } from './respond.js';
import { sendRows } from './send-rows.js';
import { forbiddenDatabases } from './sql/forbidden.js';
import { whyRefused } from './sql/guard.js';
import { quoteString } from './sql/quote.js';

export interface ExecuteContext {
  engine: Engine;
  queue: AdmissionQueue;
  lake: LakeTables;
  limits: EndpointLimits;
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
  const { engine, queue, lake, limits } = context;
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  const sql = await readSql(message, request, limits);
  if (sql.text.trim() === '') throw exceptions.emptyQuery();
  if (role === 'reader') guard(sql.text, request, limits);
  const before = preamble(role, request, limits);
  const format = formatOf(sql, request);
  const file = join(engine.folder, 'spool', randomUUID());
  try {
    if (sql.data !== undefined) await spool(sql.data, file);
    const leave = await queue.enter(gone.signal);
    if (leave === undefined) {
      if (gone.signal.aborted) return;
      throw exceptions.tooManyQueries(queue.running, queue.waiting);
    }
    const connection = engine.connect();
    try {
      await lake.refresh();
      if (role === 'reader') await mustOnlyRead(connection, sql.text);
      const facts = { queryId, format, encoding: request.encoding };
      const bytesHeld = request.waitEndOfQuery ? limits.wholeBytesHeld : limits.firstBytesHeld;
      if (sql.statement.kind === 'rows') {
        const writer = new ResultWriter(response, engine, bytesHeld, facts);
        const bytesMax = role === 'reader' ? limits.reader.resultBytesMax : Number.POSITIVE_INFINITY;
        await sendRows(connection, before, sql.statement, writer, bytesMax, gone.signal);
      } else {
        const writer = new ResultWriter(response, engine, bytesHeld, { queryId, format });
        const text = sql.statement.kind === 'insert' ? insertFrom(file, sql.statement) : sql.statement.sql;
        const result = await connection.run(`${before}${text}`, format);
        if (result.bytes.length > 0) await writer.write(Buffer.from(result.bytes));
        writer.end(result);
      }
    } finally {
      await connection.close();
      leave();
    }
    if (!response.destroyed) await finished(response).catch(() => {});
  } catch (error) {
    throw ClickHouseException.from(error);
  } finally {
    if (sql.data !== undefined) await rm(file, { force: true });
  }
}

/** @throws ClickHouseException */
function guard(text: string, request: QueryRequest, limits: EndpointLimits): void {
  if (text.length > limits.reader.queryBytesMax) throw exceptions.queryTooLarge(limits.reader.queryBytesMax);
  if (forbiddenDatabases.has(request.database?.toLowerCase() ?? '')) {
    throw exceptions.refused(`${request.database} as the current database; name it with its tables`);
  }
  const why = whyRefused(text, request.parameters);
  if (why !== undefined) throw exceptions.refused(why);
}

/** What ClickHouse's own parser says, after ours. A text that does not parse goes on, for its error message. */
async function mustOnlyRead(connection: EngineConnection, text: string): Promise<void> {
  const { statementCount, queryClass } = await connection.classify(text);
  if (statementCount === 0) return;
  if (statementCount !== 1 || queryClass !== 0) throw exceptions.refused('statements that do more than read');
}

function insertFrom(file: string, statement: { head: string; settings: string; format: string }): string {
  return `${statement.head} FROM INFILE ${quoteString(file)} ${statement.settings} FORMAT ${statement.format}`;
}

/** @throws ClickHouseException */
function formatOf(sql: RequestSql, request: QueryRequest): string {
  const format = (sql.statement.kind === 'rows' ? sql.statement.format : undefined) ?? request.defaultFormat;
  if (!/^[A-Za-z][A-Za-z0-9_]{0,60}$/.test(format)) throw exceptions.unknownFormat(format);
  return format;
}

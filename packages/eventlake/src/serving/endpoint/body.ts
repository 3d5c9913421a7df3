import { createWriteStream } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { ClickHouseException, exceptions } from './errors.js';
import type { EndpointLimits } from './limits.js';
import { uncompressed } from './native/compressed-blocks.js';
import { unLz4 } from './native/lz4-frame.js';
import { unZstd } from './native/zstd.js';
import type { QueryRequest } from './request.js';
import { readStatement, SeveralStatements, type Statement } from './sql/statement.js';

/** A request's SQL, and the data of an INSERT as a stream. */
export interface RequestSql {
  text: string;
  statement: Statement;
  /** Only for `insert`. */
  data?: Readable;
  /** How the data are still compressed, for the engine to undo. */
  encoding?: string;
}

/** Of a body that is an INSERT's data and nothing else: what the engine undoes by itself, and Node 20 cannot. */
const LEFT_TO_THE_ENGINE = ['zstd', 'lz4', 'xz', 'bz2'];

/** @throws ClickHouseException */
export async function readSql(
  message: IncomingMessage,
  request: QueryRequest,
  limits: EndpointLimits,
): Promise<RequestSql> {
  if (request.query.length > limits.queryBytesMax) throw exceptions.queryTooLarge(limits.queryBytesMax);
  const statement = request.query === '' ? undefined : parse(request.query);
  const encoding = contentEncoding(message);
  if (statement?.kind === 'insert' && LEFT_TO_THE_ENGINE.includes(encoding)) {
    const raw = message[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    return { text: request.query, statement, data: bounded([], raw, limits.bodyBytesMax), encoding };
  }
  const plain = decoded(message, encoding);
  const body = (request.decompress ? uncompressed(plain) : plain)[
    Symbol.asyncIterator
  ]() as AsyncIterator<Buffer>;
  // The query of the URL is often the whole INSERT, its data the body: nothing of it has to be held.
  if (statement?.kind === 'insert') {
    const inline = Buffer.from(request.query.slice(statement.dataStart));
    return { text: request.query, statement, data: bounded([inline], body, limits.bodyBytesMax) };
  }
  const chunks: Buffer[] = request.query === '' ? [] : [Buffer.from(`${request.query}\n`)];
  let bytes = chunks[0]?.length ?? 0;
  let checked = 0;
  for (;;) {
    const { done, value } = await body.next();
    if (!done) {
      chunks.push(value);
      bytes += value.length;
    }
    // Looked at again each time that it has doubled, so that reading a long text is not quadratic.
    if (done || (bytes >= 2 * checked && bytes >= 65_536) || bytes > limits.queryBytesMax) {
      checked = bytes;
      const head = Buffer.concat(chunks);
      const text = head.toString('utf8');
      const found = parse(text, !done);
      if (found?.kind === 'insert') {
        const start = Buffer.byteLength(text.slice(0, found.dataStart));
        return { text, statement: found, data: bounded([head.subarray(start)], body, limits.bodyBytesMax) };
      }
      if (bytes > limits.queryBytesMax) throw exceptions.queryTooLarge(limits.queryBytesMax);
      if (done) return { text, statement: found! };
    }
  }
}

/** Writes an INSERT's data to a file, so that the engine begins only when all of it is there. Returns the bytes. */
export async function spool(data: Readable, path: string): Promise<number> {
  const file = createWriteStream(path, { mode: 0o600, flags: 'wx' });
  await pipeline(data, file);
  return file.bytesWritten;
}

/** With `partial`, the text is only the beginning: then only an INSERT's head says anything. */
function parse(text: string, partial: true): Statement | undefined;
function parse(text: string, partial?: boolean): Statement;
function parse(text: string, partial = false): Statement | undefined {
  try {
    return readStatement(text);
  } catch (error) {
    if (!(error instanceof SeveralStatements)) throw error;
    if (partial) return undefined;
    throw exceptions.severalStatements();
  }
}

function contentEncoding(message: IncomingMessage): string {
  return (message.headers['content-encoding'] ?? 'identity').toLowerCase();
}

/** @throws ClickHouseException */
async function* decoded(message: IncomingMessage, encoding: string): AsyncGenerator<Buffer> {
  const chunks = decoderOf(message, encoding);
  try {
    yield* chunks;
  } catch (error) {
    // A connection that broke is no fault of the data.
    if (error instanceof ClickHouseException || message.errored) throw error;
    throw exceptions.cannotDecompress(`the data are no ${encoding.slice(0, 50)}`);
  }
}

function decoderOf(message: IncomingMessage, encoding: string): AsyncIterable<Buffer> {
  const through = (decoder: Transform): Readable => {
    message.on('error', (error) => decoder.destroy(error));
    return message.pipe(decoder);
  };
  switch (encoding) {
    case 'identity':
      return message;
    case 'gzip':
    case 'x-gzip':
      return through(createGunzip());
    case 'deflate':
      return through(createInflate());
    case 'br':
      return through(createBrotliDecompress());
    case 'lz4':
      return unLz4(message);
    case 'zstd':
      return unZstd(message);
    default:
      throw new ClickHouseException(
        48,
        'NOT_IMPLEMENTED',
        `Content encoding ${encoding.slice(0, 50)} is not supported here`,
        415,
      );
  }
}

function bounded(first: readonly Buffer[], rest: AsyncIterator<Buffer>, maxBytes: number): Readable {
  async function* all() {
    let bytes = 0;
    const count = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) throw exceptions.bodyTooLarge(maxBytes);
      return chunk;
    };
    for (const chunk of first) if (chunk.length > 0) yield count(chunk);
    for (;;) {
      const { done, value } = await rest.next();
      if (done) return;
      yield count(value);
    }
  }
  return Readable.from(all(), { objectMode: false });
}

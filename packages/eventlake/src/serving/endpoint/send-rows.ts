import type { EngineConnection, QueryStream } from './engine.js';
import { ClickHouseException, exceptions } from './errors.js';
import { emptyBlock } from './native/empty-block.js';
import type { ResultWriter } from './respond.js';
import { quoteString } from './sql/quote.js';

/** Runs a query and sends its result as it comes. An error goes to the client, in the way that is still possible. */
export async function sendRows(
  connection: EngineConnection,
  before: string,
  statement: { sql: string; tail: string },
  writer: ResultWriter,
  bytesMax: number,
  gone: AbortSignal,
): Promise<void> {
  const { format } = writer.facts;
  const { encoding } = writer.facts;
  const compression = encoding === undefined ? '' : ` COMPRESSION ${quoteString(encoding)} LEVEL 1`;
  const stream = connection.stream(
    before,
    (target) => `${statement.sql}\n${target}${compression} FORMAT ${format} ${statement.tail}`,
    format,
  );
  const cancel = () => stream.cancel();
  gone.addEventListener('abort', cancel, { once: true });
  if (gone.aborted) cancel();
  try {
    const bytes = await pump(stream, writer, bytesMax);
    const result = await stream.done;
    if (format === 'Native' && bytes <= EMPTY_BYTES[encoding ?? 'none']!) {
      const columns = await describe(connection, statement.sql);
      if (columns.length > 0) writer.replace(emptyBlock(columns));
    }
    writer.end(result);
  } catch (error) {
    writer.fail(ClickHouseException.from(error));
  } finally {
    gone.removeEventListener('abort', cancel);
    await stream.release();
  }
}

/**
 * Reads to the end, also what nobody wants any more: the engine must not be left in front of a full pipe. ClickHouse's
 * own bound on a result does not count what goes into a pipe.
 *
 * @returns the bytes of the result
 */
async function pump(stream: QueryStream, writer: ResultWriter, bytesMax: number): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream.chunks) {
    bytes += chunk.length;
    if (bytes <= bytesMax) await writer.write(chunk);
    else stream.cancel();
  }
  if (bytes > bytesMax) throw exceptions.resultTooLarge(bytesMax);
  return bytes;
}

/** The size of nothing in each encoding; a block with a column and a row is longer. */
const EMPTY_BYTES: Record<string, number> = { none: 0, br: 1, lz4: 4, deflate: 13, zstd: 13, gzip: 25 };

/** Names and types, without running the query; none for what is no SELECT. */
async function describe(connection: EngineConnection, sql: string): Promise<[name: string, type: string][]> {
  try {
    const { bytes } = await connection.run(`DESCRIBE TABLE (${sql}\n)`, 'JSONCompactEachRow');
    const lines = Buffer.from(bytes).toString('utf8').split('\n').filter(Boolean);
    return lines.map((line) => (JSON.parse(line) as [string, string]).slice(0, 2) as [string, string]);
  } catch {
    return [];
  }
}

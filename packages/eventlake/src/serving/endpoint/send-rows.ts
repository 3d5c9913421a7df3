import type { EngineConnection, QueryStream } from './engine.js';
import { ClickHouseException, exceptions } from './errors.js';
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
  const { format, encoding } = writer.facts;
  const compression = encoding === undefined ? '' : ` COMPRESSION ${quoteString(encoding)}`;
  const stream = connection.stream(
    before,
    (target) => `${statement.sql}\n${target}${compression} FORMAT ${format} ${statement.tail}`,
    format,
  );
  const cancel = () => stream.cancel();
  gone.addEventListener('abort', cancel, { once: true });
  if (gone.aborted) cancel();
  try {
    await pump(stream, writer, bytesMax);
    writer.end(await stream.done);
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
 */
async function pump(stream: QueryStream, writer: ResultWriter, bytesMax: number): Promise<void> {
  let bytes = 0;
  for await (const chunk of stream.reader.iterator({ destroyOnReturn: false })) {
    bytes += (chunk as Buffer).length;
    if (bytes <= bytesMax) await writer.write(chunk as Buffer);
    else stream.cancel();
  }
  if (bytes > bytesMax) throw exceptions.resultTooLarge(bytesMax);
}

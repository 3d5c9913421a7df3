import type { Bucket, RequestContext } from './bucket.js';
import { BrokenAnswerError, statusOf } from './errors.js';

/** An object's bytes, or those of a range. An answer that is cut or of another length is asked for again. */
export async function getObject(
  bucket: Bucket,
  path: string,
  range?: { start: number; end: number },
): Promise<Uint8Array> {
  if (range && range.end <= range.start) return new Uint8Array(0);
  return bucket.request('read', path, async (context) => {
    const { sdk, client, key, signal } = context;
    const wanted = range && { Range: `bytes=${range.start}-${range.end - 1}` };
    try {
      const answer = await client.send(new sdk.GetObjectCommand({ ...key, ...wanted }), {
        abortSignal: signal,
      });
      const length = range ? lengthOfRange(answer.ContentRange, range) : answer.ContentLength;
      return await readBody(answer.Body, length, context);
    } catch (error) {
      // The range begins behind the object's end.
      if (range && statusOf(error) === 416) return new Uint8Array(0);
      throw error;
    }
  });
}

/** Of `bytes 1-2/10`: as many bytes as were asked for, or as there are up to the object's end. */
function lengthOfRange(said: string | undefined, { start, end }: { start: number; end: number }): number {
  const [from, to, size] = (/^bytes (\d+)-(\d+)\/(\d+)$/.exec(said ?? '') ?? []).slice(1).map(Number);
  if (from !== start || to === undefined || size === undefined || to !== Math.min(end, size) - 1)
    throw new BrokenAnswerError(`Asked for the bytes ${start} to ${end - 1}, got ${said ?? 'no range'}`);
  return to + 1 - from;
}

async function readBody(
  body: unknown,
  length: number | undefined,
  { signal, progressed }: Pick<RequestContext, 'signal' | 'progressed'>,
): Promise<Uint8Array> {
  if (length === undefined) throw new BrokenAnswerError('The answer does not tell its length');
  const stream = body as AsyncIterable<Uint8Array> & { destroy(error?: Error): void };
  const abort = (): void => stream.destroy(signal.reason as Error);
  signal.addEventListener('abort', abort);
  const bytes = new Uint8Array(length);
  let at = 0;
  try {
    for await (const chunk of stream) {
      progressed();
      if (at + chunk.length > length) throw tooMuchOrLittle(length, at + chunk.length);
      bytes.set(chunk, at);
      at += chunk.length;
    }
  } catch (error) {
    throw error instanceof BrokenAnswerError ? error : new BrokenAnswerError(String(error), { cause: error });
  } finally {
    signal.removeEventListener('abort', abort);
  }
  if (at !== length) throw tooMuchOrLittle(length, at);
  return bytes;
}

function tooMuchOrLittle(length: number, got: number): BrokenAnswerError {
  return new BrokenAnswerError(`The answer should have ${length} bytes and has ${got}`);
}

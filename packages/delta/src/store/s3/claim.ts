import { randomUUID } from 'node:crypto';
import { StoreError } from '../../store.js';
import type { Bucket, RequestContext } from './bucket.js';
import { deleteObject } from './delete.js';
import { isNotFound, isRetryable, isTaken } from './errors.js';

/** Every object that is put here tells by its metadata which call put it. */
export const PUT_ID = 'put-id';

/**
 * Puts an object where there is none. A request whose answer is lost may have landed, and an answer "there is one" may
 * come to the second sending of our own: so the object itself is asked whose it is. Two calls with the same bytes are
 * two calls.
 * @returns whether this call put it
 * @throws StoreError of kind `unavailable` where that could not be found out in time: then it may have landed, or may yet
 */
export async function claim(bucket: Bucket, path: string, data: Uint8Array): Promise<boolean> {
  const id = randomUUID();
  let mayHaveLanded = false;
  const attempt = async (context: RequestContext): Promise<boolean> => {
    if (mayHaveLanded) {
      const owner = await putIdOf(context);
      if (owner !== undefined) return owner === id;
    }
    const { sdk, client, key, signal } = context;
    const command = new sdk.PutObjectCommand({
      ...key,
      Body: data,
      IfNoneMatch: '*',
      Metadata: { [PUT_ID]: id },
    });
    try {
      await client.send(command, { abortSignal: signal });
      return true;
    } catch (error) {
      mayHaveLanded ||= isTaken(error) || isRetryable(error);
      if (!isTaken(error)) throw error;
      return (await putIdOf(context)) === id;
    }
  };
  return bucket.request('write', path, attempt, data.length);
}

/** Which call put the object; undefined where there is none, empty where it does not say. */
export async function putIdOf({ sdk, client, key, signal }: RequestContext): Promise<string | undefined> {
  try {
    const { Metadata = {} } = await client.send(new sdk.HeadObjectCommand(key), { abortSignal: signal });
    return Metadata[PUT_ID] ?? '';
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * Claims a name twice. The second claim has to be refused, and the object to be the first's: a store that ignores
 * `If-None-Match`, as many old ones do, would let writers overwrite each other's commits without a word.
 * @throws StoreError of kind `unsupported`
 */
export async function checkConditionalPut(bucket: Bucket): Promise<void> {
  const path = `_conditional-put-check/${randomUUID()}`;
  const claimed = async (): Promise<boolean> => {
    try {
      return await claim(bucket, path, new TextEncoder().encode('May be deleted.'));
    } catch (error) {
      if (error instanceof StoreError && error.kind === 'unsupported')
        throw refused(bucket, 'refuses it', error);
      throw error;
    }
  };
  try {
    await claimed();
    if (await claimed()) throw refused(bucket, 'ignores it');
    if (!(await bucket.request('read', path, putIdOf))) {
      throw refused(bucket, 'does not keep the metadata of what is put');
    }
  } finally {
    await deleteObject(bucket, path).catch(() => {});
  }
}

function refused(bucket: Bucket, what: string, cause?: unknown): StoreError {
  return new StoreError(
    'unsupported',
    `Writers cannot exclude each other in ${bucket.address.url}: ` +
      `a put with "If-None-Match: *" was tried, and the store ${what}`,
    '',
    'Take a store with conditional puts: AWS S3, R2, MinIO, Ceph since Squid … It may need an update.',
    { cause },
  );
}

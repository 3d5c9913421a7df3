import { randomUUID } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { mapBounded } from '../../bounded.js';
import { StoreError } from '../../store.js';
import type { Bucket } from './bucket.js';
import { PUT_ID, putIdOf } from './claim.js';
import { BrokenAnswerError, codeOf, statusOf } from './errors.js';

/** Parts in memory, and on their way, at the same time. */
const PARTS_AT_ONCE = 4;

/** S3's own limit. */
const PARTS_MAX = 10_000;

/** Bytes that are in memory already go as one request up to this size. */
const SINGLE_PUT_BYTES_MAX = 64 * 2 ** 20;

interface Content {
  sizeBytes: number;
  read(start: number, end: number): Promise<Uint8Array>;
}

export async function uploadBytes(bucket: Bucket, path: string, data: Uint8Array): Promise<void> {
  if (data.length <= SINGLE_PUT_BYTES_MAX) return putOnce(bucket, path, data);
  const read = async (start: number, end: number): Promise<Uint8Array> => data.subarray(start, end);
  return uploadParts(bucket, path, { sizeBytes: data.length, read });
}

/** Never holds more of the file in memory than a few parts. */
export async function uploadFile(bucket: Bucket, path: string, file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    const { size: sizeBytes } = await handle.stat();
    const read = (start: number, end: number): Promise<Uint8Array> => readExactly(handle, file, start, end);
    if (sizeBytes <= bucket.partBytes) await putOnce(bucket, path, await read(0, sizeBytes));
    else await uploadParts(bucket, path, { sizeBytes, read });
  } finally {
    await handle.close();
  }
}

async function putOnce(bucket: Bucket, path: string, data: Uint8Array): Promise<void> {
  await bucket.request(
    'write',
    path,
    async ({ sdk, client, key, signal }) => {
      await client.send(new sdk.PutObjectCommand({ ...key, Body: data }), { abortSignal: signal });
    },
    data.length,
  );
}

/** Nobody sees anything of it before it is completed. What a killed process has begun is for the bucket's life cycle. */
async function uploadParts(bucket: Bucket, path: string, content: Content): Promise<void> {
  const id = randomUUID();
  const upload = await bucket.request('write', path, async ({ sdk, client, key, signal }) => {
    const command = new sdk.CreateMultipartUploadCommand({ ...key, Metadata: { [PUT_ID]: id } });
    const { UploadId } = await client.send(command, { abortSignal: signal });
    if (UploadId === undefined) throw new BrokenAnswerError('The answer names no upload');
    return UploadId;
  });
  try {
    const parts = await sendParts(bucket, path, upload, content);
    await complete(bucket, path, upload, parts, id);
  } catch (error) {
    await bucket
      .request('write', path, async ({ sdk, client, key, signal }) => {
        await client.send(new sdk.AbortMultipartUploadCommand({ ...key, UploadId: upload }), {
          abortSignal: signal,
        });
      })
      .catch(() => {});
    throw error;
  }
}

interface Part {
  PartNumber: number;
  ETag: string | undefined;
}

async function sendParts(
  bucket: Bucket,
  path: string,
  upload: string,
  { sizeBytes, read }: Content,
): Promise<Part[]> {
  const partBytes = Math.max(bucket.partBytes, Math.ceil(sizeBytes / PARTS_MAX));
  const starts = Array.from({ length: Math.ceil(sizeBytes / partBytes) }, (_, i) => i * partBytes);
  return mapBounded(starts, PARTS_AT_ONCE, async (start) => {
    const body = await read(start, Math.min(start + partBytes, sizeBytes));
    const PartNumber = start / partBytes + 1;
    return bucket.request(
      'write',
      path,
      async ({ sdk, client, key, signal }) => {
        const command = new sdk.UploadPartCommand({ ...key, UploadId: upload, PartNumber, Body: body });
        const { ETag } = await client.send(command, { abortSignal: signal });
        return { PartNumber, ETag };
      },
      body.length,
    );
  });
}

async function complete(
  bucket: Bucket,
  path: string,
  upload: string,
  parts: Part[],
  id: string,
): Promise<void> {
  await bucket.request('write', path, async (context) => {
    const { sdk, client, key, signal } = context;
    const command = new sdk.CompleteMultipartUploadCommand({
      ...key,
      UploadId: upload,
      MultipartUpload: { Parts: parts },
    });
    try {
      const { ETag } = await client.send(command, { abortSignal: signal });
      // The store says that it has begun, and only then, in the body, how it ended.
      if (ETag === undefined) throw new BrokenAnswerError('The answer does not tell what was put');
    } catch (error) {
      // An earlier sending may have completed it, and its answer been lost.
      const isGone = codeOf(error) === 'NoSuchUpload' || statusOf(error) === 404;
      if (!isGone || (await putIdOf(context)) !== id) throw error;
    }
  });
}

async function readExactly(
  handle: FileHandle,
  file: string,
  start: number,
  end: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start);
  let read = 0;
  while (read < bytes.length) {
    const { bytesRead } = await handle.read(bytes, read, bytes.length - read, start + read);
    if (bytesRead === 0)
      throw new StoreError('corrupt', `${file} became shorter while it was uploaded`, file);
    read += bytesRead;
  }
  return bytes;
}

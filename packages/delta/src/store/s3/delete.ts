import type { Bucket } from './bucket.js';
import { isNotFound } from './errors.js';

export async function deleteObject(bucket: Bucket, path: string): Promise<void> {
  await bucket.request('delete', path, async ({ sdk, client, key, signal }) => {
    try {
      await client.send(new sdk.DeleteObjectCommand(key), { abortSignal: signal });
    } catch (error) {
      // S3 does not mind; others do.
      if (!isNotFound(error)) throw error;
    }
  });
}

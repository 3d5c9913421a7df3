import type { Store } from '../store.js';
import { checkStorePath, checkStorePrefix } from './path.js';
import { parseS3Address } from './s3/address.js';
import { openBucket } from './s3/bucket.js';
import { checkConditionalPut, claim } from './s3/claim.js';
import { deleteObject } from './s3/delete.js';
import { listObjects } from './s3/list.js';
import { getObject } from './s3/read.js';
import { uploadBytes, uploadFile } from './s3/upload.js';

export interface S3Options {
  /** Address of an S3-compatible store, `https://…`. Unset: AWS, or what `AWS_ENDPOINT_URL` names. */
  endpoint?: string;
  /** Unset: what the SDK finds; `us-east-1` where there is an endpoint. */
  region?: string;
  /** Buckets in the path instead of the host name. Unset: where there is an endpoint. */
  forcePathStyle?: boolean;
  /** Unset: the SDK's chain, which is the environment, profiles, and the roles of containers and instances. */
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
  /** Certificates to trust, PEM, instead of the system's: for a store whose certificate is of an authority of its own. */
  ca?: string;
  /** A request that makes no progress for so long is given up, and tried again. */
  requestTimeoutMs?: number;
  /** For how long a request is tried again. */
  retryTimeoutMs?: number;
  /** Connections at the same time. */
  connectionsMax?: number;
  /** Larger objects are uploaded in parts of this size, a few at a time. At least 5 MiB. */
  partBytes?: number;
}

/**
 * A bucket, or what lies below a prefix of it, as a store: `s3://bucket/prefix`. Writers exclude each other by
 * conditional put (`If-None-Match: *`); a store that ignores it is found out at the first conditional put, and refused.
 *
 * Needs `@aws-sdk/client-s3`, which is loaded here and is no dependency of this package.
 * @throws StoreError of kind `unsupported` where that is not installed, `forbidden` where the address is none.
 */
export async function s3Store(url: string, options: S3Options = {}): Promise<Store> {
  const address = parseS3Address(url);
  const bucket = await openBucket(address, options);
  let checked: Promise<void> | undefined;

  return {
    url: address.url,

    async get(path, range) {
      checkStorePath(path);
      return getObject(bucket, path, range);
    },

    async *list(prefix, listOptions) {
      checkStorePrefix(prefix);
      yield* listObjects(bucket, prefix, listOptions?.startAfter);
    },

    async put(path, data) {
      checkStorePath(path);
      await uploadBytes(bucket, path, data);
    },

    async putFile(path, file) {
      checkStorePath(path);
      await uploadFile(bucket, path, file);
    },

    async putIfAbsent(path, data) {
      checkStorePath(path);
      checked ??= checkConditionalPut(bucket).catch((error: unknown) => {
        checked = undefined;
        throw error;
      });
      await checked;
      return claim(bucket, path, data);
    },

    async delete(path) {
      checkStorePath(path);
      await deleteObject(bucket, path);
    },
  };
}

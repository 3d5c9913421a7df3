import { StoreError } from '../../store.js';
import { isStorePath } from '../path.js';

export interface S3Address {
  bucket: string;
  /** What every key begins with: empty, or ending with `/`. */
  prefix: string;
  /** `s3://bucket/prefix`, without a slash at its end. */
  url: string;
}

/** @throws StoreError of kind `forbidden` where it is not `s3://bucket` or `s3://bucket/prefix`. */
export function parseS3Address(url: string): S3Address {
  const match = /^s3[an]?:\/\/([^/]+)(?:\/(.*?))?\/*$/.exec(url);
  const [, bucket, path = ''] = match ?? [];
  if (bucket === undefined || !isBucketName(bucket) || (path !== '' && !isStorePath(path))) {
    throw new StoreError(
      'forbidden',
      `Not the address of a bucket: ${JSON.stringify(url)}`,
      '',
      'Write s3://bucket or s3://bucket/prefix; credentials do not belong into it.',
    );
  }
  const prefix = path === '' ? '' : `${path}/`;
  return { bucket, prefix, url: path === '' ? `s3://${bucket}` : `s3://${bucket}/${path}` };
}

function isBucketName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{1,253}$/.test(name);
}

import type { S3Client } from '@aws-sdk/client-s3';
import { StoreError } from '../../store.js';
import type { S3Options } from '../s3.js';
import type { S3Address } from './address.js';
import { toStoreError } from './errors.js';
import { type Attempt, retried } from './retry.js';

type Sdk = typeof import('@aws-sdk/client-s3');

/** What a request has at hand. */
export interface RequestContext extends Attempt {
  sdk: Sdk;
  client: S3Client;
  /** The object's bucket and key. */
  key: { Bucket: string; Key: string };
}

export interface Bucket {
  address: S3Address;
  partBytes: number;
  /**
   * Runs a request until it has an answer, or until the time for that is over.
   * @param doing for the message: "read", "write" …
   * @param sizeBytes of what is sent, which gives the request more time.
   * @throws StoreError
   */
  request<T>(
    doing: string,
    path: string,
    run: (context: RequestContext) => Promise<T>,
    sizeBytes?: number,
  ): Promise<T>;
}

const REQUEST_TIMEOUT_MS = 20_000;
const RETRY_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 5000;
const CONNECTIONS_MAX = 64;
const PART_BYTES = 8 * 2 ** 20;

/** The SDK's client for the bucket. Nothing is sent yet. */
export async function openBucket(address: S3Address, options: S3Options): Promise<Bucket> {
  const sdk = await loadSdk();
  const agent = { maxSockets: options.connectionsMax ?? CONNECTIONS_MAX, keepAlive: true };
  const client = new sdk.S3Client({
    ...(options.endpoint !== undefined && { endpoint: options.endpoint, region: 'us-east-1' }),
    ...(options.region !== undefined && { region: options.region }),
    forcePathStyle: options.forcePathStyle ?? options.endpoint !== undefined,
    ...(options.credentials && { credentials: options.credentials }),
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      httpAgent: agent,
      httpsAgent: { ...agent, ...(options.ca !== undefined && { ca: options.ca }) },
    },
    // What happened to a conditional put has to be known before it is sent again.
    maxAttempts: 1,
    // Not every S3-compatible store knows the newer checksums; what is sent is signed with its SHA-256 in any case.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const policy = {
    attemptTimeoutMs: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    retryTimeoutMs: options.retryTimeoutMs ?? RETRY_TIMEOUT_MS,
  };
  return {
    address,
    partBytes: options.partBytes ?? PART_BYTES,
    async request(doing, path, run, sizeBytes = 0) {
      const key = { Bucket: address.bucket, Key: `${address.prefix}${path}` };
      try {
        return await retried(policy, (attempt) => run({ ...attempt, sdk, client, key }), sizeBytes);
      } catch (error) {
        throw toStoreError(error, { doing, path, url: address.url, bucket: address.bucket });
      }
    },
  };
}

async function loadSdk(): Promise<Sdk> {
  try {
    return await import('@aws-sdk/client-s3');
  } catch (cause) {
    throw new StoreError(
      'unsupported',
      'Tables on S3 need @aws-sdk/client-s3, which cannot be loaded',
      '',
      'Run `npm install @aws-sdk/client-s3`.',
      { cause },
    );
  }
}

import { StoreError, type StoreErrorKind } from '../../store.js';

/** An attempt made no progress for its time. */
export class StalledError extends Error {
  override readonly name = 'StalledError';

  constructor(timeoutMs: number) {
    super(`No progress for ${Math.round(timeoutMs)} ms`);
  }
}

/** An answer that is not what was asked for: cut, or of another length. */
export class BrokenAnswerError extends Error {
  override readonly name = 'BrokenAnswerError';
}

export function statusOf(error: unknown): number | undefined {
  const { $metadata, $response } = (error ?? {}) as {
    $metadata?: { httpStatusCode?: number };
    $response?: { statusCode?: number };
  };
  return $metadata?.httpStatusCode ?? $response?.statusCode;
}

/** The store's own word (`NoSuchKey`), Node's code (`ECONNRESET`), or the error's name. */
export function codeOf(error: unknown): string {
  const { Code, code, name } = (error ?? {}) as { Code?: unknown; code?: unknown; name?: unknown };
  for (const word of [Code, code, name]) if (typeof word === 'string' && word !== 'Error') return word;
  return 'unknown';
}

/** There is no such object. Stores answer with 404 where there is no such bucket, upload or user, too. */
export function isNotFound(error: unknown): boolean {
  return statusOf(error) === 404 && ['NoSuchKey', 'NotFound'].includes(codeOf(error));
}

/** There is an object already: the answer to a conditional put that came too late. */
export function isTaken(error: unknown): boolean {
  return statusOf(error) === 412;
}

const RETRYABLE_CODES = new Set([
  'StalledError',
  'BrokenAnswerError',
  'TimeoutError',
  'AbortError',
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'HPE_INVALID_CONSTANT',
  'ERR_STREAM_PREMATURE_CLOSE',
  'RequestTimeout',
  // The SDK has learnt the clock's offset from it.
  'RequestTimeTooSkewed',
  // Somebody else is at the same key: what has become of it is asked anew.
  'ConditionalRequestConflict',
  'OperationAborted',
]);

/** Whether another attempt may go well. What became of this one is not known, unless the store said so. */
export function isRetryable(error: unknown): boolean {
  const status = statusOf(error);
  // It said that it went well, and then what did not.
  if (status !== undefined && status >= 200 && status < 300) return true;
  if (status !== undefined && (status === 429 || (status >= 500 && status !== 501 && status !== 507)))
    return true;
  return RETRYABLE_CODES.has(codeOf(error));
}

const RIGHTS = 'Give these credentials s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket on it.';
const WHO =
  'Set credentials as the AWS SDK finds them: AWS_ACCESS_KEY_ID …, AWS_PROFILE, or a role of this machine.';

const KINDS: Record<string, [StoreErrorKind, hint: string]> = {
  NoSuchBucket: ['forbidden', 'Make the bucket, or check its name, the region and the endpoint.'],
  CredentialsProviderError: ['forbidden', WHO],
  InvalidAccessKeyId: ['forbidden', WHO],
  SignatureDoesNotMatch: ['forbidden', WHO],
  ExpiredToken: ['forbidden', WHO],
  AccessDenied: ['forbidden', RIGHTS],
  PermanentRedirect: ['forbidden', 'The bucket lies in another region: set that one.'],
  AuthorizationHeaderMalformed: ['forbidden', 'The bucket lies in another region: set that one.'],
  QuotaExceeded: ['full', 'Free some space; what was acknowledged before is safe.'],
  XMinioStorageFull: ['full', 'Free some space; what was acknowledged before is safe.'],
  NotImplemented: ['unsupported', 'This store lacks a part of S3 that is needed.'],
  ENOTFOUND: ['unavailable', 'There is no such host: check the endpoint and the region.'],
};

const KINDS_BY_STATUS: Record<number, [StoreErrorKind, hint: string]> = {
  301: ['forbidden', 'The bucket lies in another region: set that one.'],
  401: ['forbidden', WHO],
  403: ['forbidden', RIGHTS],
  404: ['forbidden', WHO],
  501: ['unsupported', 'This store lacks a part of S3 that is needed.'],
  507: ['full', 'Free some space; what was acknowledged before is safe.'],
};

/** What the store or the SDK said, without the request, which is signed. */
export function toStoreError(
  cause: unknown,
  { doing, path, url, bucket }: { doing: string; path: string; url: string; bucket: string },
): StoreError {
  if (cause instanceof StoreError) return cause;
  const code = codeOf(cause);
  if (isNotFound(cause)) return new StoreError('not-found', `No object ${path} in ${url}`, path);
  const [kind, hint] = KINDS[code] ?? KINDS_BY_STATUS[statusOf(cause) ?? 0] ?? ['unavailable'];
  const said = cause instanceof Error && cause.message !== '' ? cause.message : String(cause);
  const what = path === '' ? bucket : path;
  return new StoreError(kind, `Cannot ${doing} ${what} in ${url}: ${code}: ${said}`, path, hint, {
    cause: new Error(said),
  });
}

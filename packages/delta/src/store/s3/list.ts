import { type StoreEntry, StoreError } from '../../store.js';
import { compareUtf8, isStorePath } from '../path.js';
import type { Bucket } from './bucket.js';
import { BrokenAnswerError } from './errors.js';

interface Page {
  entries: StoreEntry[];
  next: string | undefined;
}

/**
 * Page by page, in the order of UTF-8 bytes as S3 lists. A log that is read out of order is read wrongly, so that a store
 * which lists in another (S3's directory buckets do) is refused.
 */
export async function* listObjects(
  bucket: Bucket,
  prefix: string,
  startAfter: string | undefined,
): AsyncGenerator<StoreEntry> {
  let last: string | undefined;
  let next: string | undefined;
  do {
    const page = await listPage(bucket, prefix, startAfter, next);
    for (const entry of page.entries) {
      if (last !== undefined && compareUtf8(last, entry.path) >= 0) throw outOfOrder(last, entry.path);
      last = entry.path;
      if (startAfter !== undefined && compareUtf8(entry.path, startAfter) <= 0) continue;
      // What is no path for a store: the folders that consoles make, and what others call `a//b`.
      if (isStorePath(entry.path)) yield entry;
    }
    next = page.next;
  } while (next !== undefined);
}

async function listPage(
  bucket: Bucket,
  prefix: string,
  startAfter: string | undefined,
  token: string | undefined,
): Promise<Page> {
  const { bucket: name, prefix: root } = bucket.address;
  return bucket.request('list', prefix, async ({ sdk, client, signal }) => {
    const command = new sdk.ListObjectsV2Command({
      Bucket: name,
      Prefix: `${root}${prefix}`,
      EncodingType: 'url',
      ...(startAfter !== undefined && { StartAfter: `${root}${startAfter}` }),
      ...(token !== undefined && { ContinuationToken: token }),
    });
    const answer = await client.send(command, { abortSignal: signal });
    // The SDK takes an answer that was cut before its body for an empty one.
    if (answer.Name === undefined) throw new BrokenAnswerError('The answer is no listing');
    const isEncoded = answer.EncodingType === 'url';
    const entries = (answer.Contents ?? []).map(({ Key = '', Size = 0, LastModified }) => ({
      path: (isEncoded ? decodeKey(Key) : Key).slice(root.length),
      sizeBytes: Size,
      modifiedMs: LastModified?.getTime() ?? 0,
    }));
    return { entries, next: answer.IsTruncated ? answer.NextContinuationToken : undefined };
  });
}

/** As forms are encoded: a space is a plus. */
function decodeKey(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '));
}

function outOfOrder(before: string, path: string): StoreError {
  return new StoreError(
    'unsupported',
    `The store lists ${path} after ${before}, which is not the order of their names`,
    path,
    "A Delta log needs a store that lists by name, as S3's general purpose buckets do.",
  );
}

import { setTimeout as sleep } from 'node:timers/promises';
import { isRetryable, StalledError } from './errors.js';

export interface RetryPolicy {
  /** An attempt that makes no progress for so long is given up. */
  attemptTimeoutMs: number;
  /** After this no further attempt is begun. */
  retryTimeoutMs: number;
}

export interface Attempt {
  /** Aborted when the attempt's time is over. */
  signal: AbortSignal;
  /** To be called for progress: the attempt's time begins anew. */
  progressed(): void;
}

const BACKOFF_MS = 50;
const BACKOFF_MAX_MS = 5000;

/** The slowest upload that is waited for. */
const BYTES_PER_MS_MIN = 64;

/** Tries again what may go well another time, with full jitter, for a bounded time. The last error is thrown. */
export async function retried<T>(
  { attemptTimeoutMs, retryTimeoutMs }: RetryPolicy,
  run: (attempt: Attempt) => Promise<T>,
  sizeBytes: number,
): Promise<T> {
  const deadline = performance.now() + retryTimeoutMs;
  for (let attempts = 1; ; attempts++) {
    try {
      return await timed(attemptTimeoutMs + sizeBytes / BYTES_PER_MS_MIN, run);
    } catch (error) {
      if (!isRetryable(error)) throw error;
      const waitMs = Math.random() * Math.min(BACKOFF_MS * 2 ** attempts, BACKOFF_MAX_MS);
      if (performance.now() + waitMs > deadline) throw error;
      await sleep(waitMs);
    }
  }
}

async function timed<T>(timeoutMs: number, run: (attempt: Attempt) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new StalledError(timeoutMs);
      controller.abort(error);
      // Not everything in the SDK listens to the signal: finding credentials does not.
      reject(error);
    }, timeoutMs);
  });
  try {
    return await Promise.race([
      run({ signal: controller.signal, progressed: () => timer?.refresh() }),
      stalled,
    ]);
  } finally {
    clearTimeout(timer);
  }
}

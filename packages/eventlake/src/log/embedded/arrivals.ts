/** Between two looks at what other processes may have appended. */
const POLL_MS_MIN = 4;
const POLL_MS_MAX = 50;
/** The longer it has been quiet, the longer until the next look: a record waits for at most this share of the silence. */
const SHARE_OF_SILENCE = 0.05;

/**
 * Waits for records. Appends of this process wake at once; those of others are found by looking, which costs one key
 * look-up: 250 a second at most, 20 a second when it has been quiet for a second.
 */
export class Arrivals {
  readonly #waiters = new Set<() => void>();
  #lastArrivalMs = 0;

  /** Something was appended by this process. */
  wake(): void {
    for (const waiter of this.#waiters) waiter();
  }

  /** Resolves when `hasArrived`, on abort, or when `timeoutMs` is over. Rejects with what `hasArrived` throws. */
  async wait(
    hasArrived: () => boolean,
    { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal | undefined },
  ): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs;
    while (!signal?.aborted) {
      const nowMs = performance.now();
      if (hasArrived()) {
        this.#lastArrivalMs = nowMs;
        return;
      }
      if (nowMs >= deadlineMs) return;
      const pauseMs = SHARE_OF_SILENCE * (nowMs - this.#lastArrivalMs);
      await this.#pause(
        Math.min(deadlineMs - nowMs, Math.max(POLL_MS_MIN, Math.min(POLL_MS_MAX, pauseMs))),
        signal,
      );
    }
  }

  #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        this.#waiters.delete(done);
        resolve();
      };
      const timer = setTimeout(done, Math.ceil(ms));
      signal?.addEventListener('abort', done);
      this.#waiters.add(done);
    });
  }
}

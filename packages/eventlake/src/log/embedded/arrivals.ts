import { type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';

/** Between two looks at what other processes may have appended, while there is life. */
const POLL_MS_MIN = 4;
const POLL_MS_MAX = 50;
/** The longer it has been quiet, the longer until the next look: a record waits for at most this share of the silence. */
const SHARE_OF_SILENCE = 0.05;
/** When it has been quiet for so long, the file is watched, and looked at rarely in case that tells nothing. */
const QUIET_AFTER_MS = 1_000;
const POLL_MS_WHILE_WATCHED = 250;

/**
 * Waits for records. Appends of this process wake at once. Those of others are found by looking, as often as there is
 * reason to expect any: 250 times a second at most, 4 times when all is quiet; then a change of the file is a sign of life.
 * A sign only: the file changes a moment before a transaction is published, and for other topics too.
 */
export class Arrivals {
  readonly #waiters = new Set<() => void>();
  #lastSignMs = 0;
  #watcher: FSWatcher | undefined;
  #canWatch = true;

  constructor(readonly dir: string) {}

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
        this.#lastSignMs = nowMs;
        return;
      }
      if (nowMs >= deadlineMs) return;
      await this.#pause(Math.min(deadlineMs - nowMs, this.#untilNextLookMs(nowMs)), signal);
    }
  }

  close(): void {
    this.#canWatch = false;
    this.#unwatch();
    this.wake();
  }

  #untilNextLookMs(nowMs: number): number {
    const silenceMs = nowMs - this.#lastSignMs;
    if (silenceMs > QUIET_AFTER_MS && this.#watch()) return POLL_MS_WHILE_WATCHED;
    return Math.max(POLL_MS_MIN, Math.min(POLL_MS_MAX, SHARE_OF_SILENCE * silenceMs));
  }

  #watch(): boolean {
    if (this.#watcher || !this.#canWatch) return this.#canWatch;
    try {
      this.#watcher = watch(join(this.dir, 'data.mdb'), { persistent: false }, () => {
        // One sign is enough: in a busy log they would come by the thousand.
        this.#unwatch();
        this.#lastSignMs = performance.now();
        this.wake();
      });
      this.#watcher.on('error', () => this.#giveUpWatching());
    } catch {
      this.#giveUpWatching();
    }
    return this.#canWatch;
  }

  /** Some file systems and limits do not allow it. */
  #giveUpWatching(): void {
    this.#canWatch = false;
    this.#unwatch();
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
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

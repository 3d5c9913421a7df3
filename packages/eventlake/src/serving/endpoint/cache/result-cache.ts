import type { RawResult } from '../chdb-addon.js';

/** A whole result, as the engine wrote it. */
export interface CachedResult {
  bytes: Buffer;
  /** Not in the encoding that was asked for: the block of an empty result. */
  isPlain: boolean;
  result: RawResult;
}

export interface CacheLimits {
  /** Of all results together. */
  bytesMax: number;
  /** Of one result; longer ones are not kept. */
  resultBytesMax: number;
  /** What changes by itself (a mutation in the background, a TTL) is seen after this at the latest. */
  ageMsMax: number;
}

/**
 * Results of readers' queries by everything that they depend on, the versions of their tables included, so that an entry
 * is never wrong, only no longer asked for. Oldest out first. Equal queries at the same time are run once.
 */
export class ResultCache {
  readonly #kept = new Map<string, CachedResult & { until: number }>();
  readonly #running = new Map<string, Promise<CachedResult | undefined>>();
  #bytes = 0;
  #sweep: NodeJS.Timeout | undefined;

  constructor(readonly limits: CacheLimits) {}

  get entries(): number {
    return this.#kept.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): CachedResult | undefined {
    const found = this.#kept.get(key);
    return found !== undefined && found.until > performance.now() ? found : undefined;
  }

  /** The same query, where it runs now: what it gives, or undefined where that cannot be shared. */
  running(key: string): Promise<CachedResult | undefined> | undefined {
    return this.#running.get(key);
  }

  /**
   * Announces a query that others may wait for. The caller has to call what it gets, whatever becomes of the query, and
   * may do so early where there will be nothing to share: only the first call counts.
   */
  begin(key: string): (result: CachedResult | undefined) => void {
    let settle!: (result: CachedResult | undefined) => void;
    const running = new Promise<CachedResult | undefined>((resolve) => {
      settle = resolve;
    });
    this.#running.set(key, running);
    return (result) => {
      // Another one may have begun since the first call.
      if (this.#running.get(key) !== running) return;
      this.#running.delete(key);
      if (result !== undefined) this.#keep(key, result);
      settle(result);
    };
  }

  #keep(key: string, result: CachedResult): void {
    if (result.bytes.length > this.limits.resultBytesMax) return;
    this.#drop(key);
    this.#kept.set(key, { ...result, until: performance.now() + this.limits.ageMsMax });
    this.#bytes += sizeOf(key, result);
    this.#dropOld();
  }

  #dropOld(): void {
    const now = performance.now();
    for (const [key, { until }] of this.#kept) {
      if (until > now && this.#bytes <= this.limits.bytesMax) break;
      this.#drop(key);
    }
    if (this.#sweep !== undefined || this.#kept.size === 0) return;
    this.#sweep = setTimeout(() => {
      this.#sweep = undefined;
      this.#dropOld();
    }, this.limits.ageMsMax);
    this.#sweep.unref();
  }

  #drop(key: string): void {
    const found = this.#kept.get(key);
    if (found === undefined) return;
    this.#kept.delete(key);
    this.#bytes -= sizeOf(key, found);
  }

  close(): void {
    clearTimeout(this.#sweep);
    this.#kept.clear();
    this.#bytes = 0;
  }
}

/** Keys are texts of queries, and take room, too. */
function sizeOf(key: string, { bytes }: CachedResult): number {
  return bytes.length + 2 * key.length + 200;
}

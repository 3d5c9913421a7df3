import type { Cluster } from './cluster.js';
import { retrying } from './kafka-error.js';
import { fetchById, fetchByName } from './protocol/record-apis.js';
import { topicInfo } from './topics.js';

/** A single request waits for so long at most, so that a connection that has died is noticed. */
const LONG_POLL_MS = 5_000;

interface Poll {
  /** By partition that the broker leads, from where on it waits for records. */
  from: ReadonlyMap<number, number>;
  /** Resolves with its answer, or where there will be none. */
  ended: Promise<void>;
}

/**
 * Waits until there is something to read. Of several brokers one has it first; what the others were asked stays asked, for
 * the next wait: a request cannot be taken back, and a new connection for each would cost more than the wait.
 */
export class Arrivals {
  /** The newest of each topic and broker. */
  readonly #polls = new Map<string, Poll>();

  constructor(
    readonly cluster: Cluster,
    readonly retryTimeoutMs: number,
  ) {}

  /** Resolves when a record lies beyond one of these offsets, on abort, or when the time is over. */
  async wait(
    topic: string,
    from: readonly number[],
    { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<void> {
    const { cluster } = this;
    const deadlineMs = performance.now() + timeoutMs;
    const aborted = () => signal?.aborted ?? false;
    while (!aborted()) {
      const { topicId, partitions } = await retrying(this.retryTimeoutMs, cluster.stopping, () =>
        topicInfo(cluster, topic),
      );
      // Beyond the end, too: the log has become shorter, and whoever waits has to find out.
      const isThere = partitions.some(({ partition, endOffset }) => endOffset !== (from[partition] ?? 0));
      const leftMs = deadlineMs - performance.now();
      if (isThere || leftMs <= 0 || aborted()) return;
      const { leaders } = await cluster.topic(topic);
      const polls = [...new Set(leaders)].map((id) => {
        const led = leaders.flatMap((leader, partition) => (leader === id ? [partition] : []));
        return this.#poll(
          topic,
          topicId,
          id,
          new Map(led.map((partition) => [partition, from[partition] ?? 0])),
        );
      });
      const limit = timeLimit(Math.min(leftMs, LONG_POLL_MS), signal);
      await Promise.race([...polls, limit.over]);
      limit.end();
    }
  }

  #poll(topic: string, topicId: string, brokerId: number, from: ReadonlyMap<number, number>): Promise<void> {
    const name = `${topicId}/${topic}/${brokerId}`;
    const known = this.#polls.get(name);
    if (known && covers(known.from, from)) return known.ended;
    const ended = this.#ask(topic, topicId, brokerId, from)
      // Looked at anew: it may lead nothing any more.
      .catch(() => this.cluster.forget(topic))
      .then(() => {
        if (this.#polls.get(name)?.ended === ended) this.#polls.delete(name);
      });
    this.#polls.set(name, { from, ended });
    return ended;
  }

  /** The broker answers when it has something, or the time is over. */
  async #ask(
    topic: string,
    topicId: string,
    brokerId: number,
    from: ReadonlyMap<number, number>,
  ): Promise<void> {
    const connection = await this.cluster.lease(brokerId);
    try {
      const request = {
        topic,
        topicId,
        partitions: [...from].map(([partition, offset]) => ({ partition, offset })),
        committed: true,
        maxWaitMs: LONG_POLL_MS,
        minBytes: 1,
        // One batch at most: it is only to be known that there is one.
        maxBytes: 1,
        partitionMaxBytes: 1,
      };
      const api = connection.has(fetchById) ? fetchById : fetchByName;
      await connection.request(api, request, LONG_POLL_MS + connection.settings.requestTimeoutMs);
    } finally {
      this.cluster.giveBack(connection);
    }
  }
}

/** Whoever waits for the same partitions from no later on is told of whatever comes; what is told too early is looked at. */
function covers(asked: ReadonlyMap<number, number>, wanted: ReadonlyMap<number, number>): boolean {
  return (
    asked.size === wanted.size &&
    [...wanted].every(([partition, offset]) => (asked.get(partition) ?? Number.POSITIVE_INFINITY) <= offset)
  );
}

function timeLimit(ms: number, signal: AbortSignal | undefined) {
  let resolve = () => {};
  const over = new Promise<void>((done) => {
    resolve = done;
  });
  const timer = setTimeout(() => end(), ms);
  const end = () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
    resolve();
  };
  signal?.addEventListener('abort', end);
  if (signal?.aborted) end();
  return { over, end };
}

import type { Cluster } from './cluster.js';
import { retrying } from './kafka-error.js';
import type { Connection } from './protocol/connection.js';
import { fetchById, fetchByName } from './protocol/record-apis.js';
import { topicInfo } from './topics.js';

/** A single request waits for so long at most, so that a connection that has died is noticed. */
const LONG_POLL_MS = 5_000;

/** Resolves when a record lies beyond one of these offsets, on abort, or when the time is over. */
export async function waitForRecords(
  cluster: Cluster,
  topic: string,
  from: readonly number[],
  {
    timeoutMs,
    signal,
    retryTimeoutMs,
  }: { timeoutMs: number; signal: AbortSignal | undefined; retryTimeoutMs: number },
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  const aborted = () => signal?.aborted ?? false;
  while (!aborted()) {
    const { topicId, partitions } = await retrying(retryTimeoutMs, cluster.stopping, () =>
      topicInfo(cluster, topic),
    );
    // Beyond the end, too: the log has become shorter, and whoever waits has to find out.
    const isThere = partitions.some(({ partition, endOffset }) => endOffset !== (from[partition] ?? 0));
    const leftMs = deadlineMs - performance.now();
    if (isThere || leftMs <= 0 || aborted()) return;
    const { leaders } = await cluster.topic(topic);
    await anyArrival(cluster, topic, topicId, leaders, from, Math.min(leftMs, LONG_POLL_MS), signal);
  }
}

/** Asks the leader of each partition, which answers when it has something or the time is over. Failures end it, too. */
async function anyArrival(
  cluster: Cluster,
  topic: string,
  topicId: string,
  leaders: readonly number[],
  from: readonly number[],
  maxWaitMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const ids = [...new Set(leaders)];
  const leased: Connection[] = [];
  let done = false;
  const stop = () => {
    done = true;
    for (const connection of leased.splice(0)) cluster.giveBack(connection);
  };
  signal?.addEventListener('abort', stop);
  try {
    const waits = ids.map(async (id) => {
      const connection = await cluster.lease(id);
      // Another broker has answered while this connection was being opened.
      if (done || signal?.aborted) return cluster.giveBack(connection);
      leased.push(connection);
      const partitions = leaders.flatMap((leader, partition) =>
        leader === id ? [{ partition, offset: from[partition] ?? 0 }] : [],
      );
      const api = connection.has(fetchById) ? fetchById : fetchByName;
      const request = {
        topic,
        topicId,
        partitions,
        committed: true,
        maxWaitMs: Math.ceil(maxWaitMs),
        minBytes: 1,
        // One batch at most: it is only to be known that there is one.
        maxBytes: 1,
        partitionMaxBytes: 1,
      };
      await connection.request(api, request, maxWaitMs + connection.settings.requestTimeoutMs);
    });
    await Promise.race(waits.map((wait) => wait.catch(() => cluster.forget(topic))));
  } finally {
    signal?.removeEventListener('abort', stop);
    stop();
  }
}

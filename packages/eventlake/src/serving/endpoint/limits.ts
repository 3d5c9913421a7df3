import { availableParallelism } from 'node:os';
import type { CacheLimits } from './cache/result-cache.js';

/** Bounds of the endpoint, each with its unit in its name. */
export interface EndpointLimits {
  /** SQL text, without an INSERT's data. */
  queryBytesMax: number;
  /** An INSERT's data, spooled to disk. */
  bodyBytesMax: number;
  /** Request line and headers; ClickHouse clients put queries and parameters into the URL. */
  headerBytesMax: number;
  /** Of a result, held back before the first byte is sent, so that an error of a small result gets its status. */
  firstBytesHeld: number;
  /** The same where the client asks for `wait_end_of_query`. */
  wholeBytesHeld: number;
  waitingQueriesMax: number;
  /** A client that takes or sends nothing for so long is cut off. */
  stallMs: number;
  /** A whole request has arrived by then, its body included. */
  requestMs: number;
  connectionsMax: number;
  sessionsMax: number;
  reader: {
    /** A slow client may take a result for `stallMs` longer. */
    executionSecondsMax: number;
    memoryBytesMax: number;
    resultBytesMax: number;
    threadsMax: number;
    queryBytesMax: number;
  };
  cache: CacheLimits;
  /** Running queries get this long at shutdown. */
  shutdownGraceMs: number;
}

const MiB = 1024 * 1024;

export const defaultLimits: EndpointLimits = {
  queryBytesMax: 16 * MiB,
  bodyBytesMax: 1024 * MiB,
  headerBytesMax: MiB,
  firstBytesHeld: MiB / 4,
  wholeBytesHeld: 64 * MiB,
  waitingQueriesMax: 1000,
  stallMs: 60_000,
  requestMs: 600_000,
  connectionsMax: 2000,
  sessionsMax: 100,
  reader: {
    executionSecondsMax: 60,
    memoryBytesMax: 2048 * MiB,
    resultBytesMax: 4096 * MiB,
    // More than cores only makes threads wait for each other.
    threadsMax: Math.min(8, availableParallelism()),
    // The engine's own bound, `max_query_size`.
    queryBytesMax: MiB / 4,
  },
  cache: { bytesMax: 64 * MiB, resultBytesMax: 2 * MiB, ageMsMax: 5000 },
  shutdownGraceMs: 1500,
};

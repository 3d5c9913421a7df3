import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export type QueryOutcome = 'ok' | 'error' | 'cancelled';
export type CacheResult = 'hit' | 'shared' | 'miss' | 'uncacheable';

/** What the endpoint tells of itself. */
export interface EndpointMetrics {
  query(query: { role: string; outcome: QueryOutcome; seconds: number; resultBytes: number }): void;
  cache(result: CacheResult): void;
  /** Where the figures of now are read at each scrape. */
  watch(now: () => EndpointNow): void;
}

export interface EndpointNow {
  running: number;
  waiting: number;
  connections: number;
  cacheEntries: number;
  cacheBytes: number;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

export function endpointMetrics(registry: Registry): EndpointMetrics {
  const registers = [registry];
  const durations = new Histogram({
    name: 'eventlake_query_duration_seconds',
    help: 'From the request to the end of its answer.',
    labelNames: ['role', 'outcome'],
    buckets: SECONDS,
    registers,
  });
  const bytes = new Counter({
    name: 'eventlake_query_result_bytes_total',
    help: 'Sent to clients.',
    labelNames: ['role'],
    registers,
  });
  const cache = new Counter({
    name: 'eventlake_query_cache_requests_total',
    help: "Readers' queries, by how the cache of results answered.",
    labelNames: ['result'],
    registers,
  });
  for (const result of ['hit', 'shared', 'miss', 'uncacheable']) cache.inc({ result }, 0);
  return {
    query({ role, outcome, seconds, resultBytes }) {
      durations.observe({ role, outcome }, seconds);
      bytes.inc({ role }, resultBytes);
    },
    cache: (result) => cache.inc({ result }),
    watch(now) {
      for (const [name, help, read] of GAUGES) {
        new Gauge({
          name,
          help,
          registers,
          collect() {
            this.set(read(now()));
          },
        });
      }
    },
  };
}

const GAUGES: readonly [name: string, help: string, read: (now: EndpointNow) => number][] = [
  ['eventlake_queries_running', 'In the embedded ClickHouse now.', ({ running }) => running],
  ['eventlake_queries_waiting', 'For their turn.', ({ waiting }) => waiting],
  ['eventlake_http_connections', 'Open connections.', ({ connections }) => connections],
  ['eventlake_query_cache_entries', 'Results that are kept.', ({ cacheEntries }) => cacheEntries],
  ['eventlake_query_cache_size_bytes', 'Their size.', ({ cacheBytes }) => cacheBytes],
];

import { AggregatorRegistry, Registry } from 'prom-client';

export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/** The figures of several registries, and of what other processes have left, as one page in Prometheus's text format. */
export async function scrape(
  registries: readonly Registry[],
  spooled: readonly object[] = [],
): Promise<string> {
  const own = await Promise.all(registries.map((registry) => registry.getMetricsAsJSON()));
  return AggregatorRegistry.aggregate([...own, ...spooled]).metrics();
}

/**
 * Computes at most once at a time, and at most so often: who scrapes in a loop costs no more than who scrapes well.
 */
export function atMostEvery<T>(everyMs: number, compute: () => Promise<T>): () => Promise<T> {
  let last: { at: number; value: Promise<T> } | undefined;
  return () => {
    if (last === undefined || performance.now() - last.at >= everyMs) {
      const value = compute();
      last = { at: performance.now(), value };
      value.catch(() => {
        last = undefined;
      });
    }
    return last.value;
  };
}

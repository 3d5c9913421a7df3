/** Maps with at most so many under way, keeping the order. The first error wins; what is under way then is awaited. */
export async function mapAtMost<In, Out>(
  max: number,
  items: readonly In[],
  map: (item: In) => Promise<Out>,
): Promise<Out[]> {
  const results = new Array<Out>(items.length);
  const waiting = items.map((item, at) => ({ item, at })).reverse();
  const worker = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { item, at } = next;
      results[at] = await map(item).catch((error: unknown) => {
        waiting.length = 0;
        throw error;
      });
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(max, items.length) }, worker));
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
  return results;
}

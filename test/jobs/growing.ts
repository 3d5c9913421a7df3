import { checkPositions } from '../../packages/eventlake/src/log/checks.js';
import type { EventLog } from '../../packages/eventlake/src/log/event-log.js';

/** How many of the topic's partitions are there: others come later, as `kafka-topics --alter --partitions` makes them. */
export interface Grown {
  partitions: number;
}

/** The log with the first partitions only, and everything else as it is. */
export const withPartitions =
  (grown: Grown) =>
  (embedded: EventLog): EventLog =>
    new Proxy(embedded, {
      get(log, name) {
        if (name === 'topic') return topic;
        if (name === 'commitPositions') return commitPositions;
        if (name === 'positions') return positions;
        const value: unknown = Reflect.get(log, name, log);
        return typeof value === 'function' ? value.bind(log) : value;

        async function topic(of: string) {
          const info = await log.topic(of);
          return { ...info, partitions: info.partitions.slice(0, grown.partitions) };
        }
        async function commitPositions(consumer: string, of: string, offsets: readonly number[]) {
          checkPositions(of, grown.partitions, offsets);
          const { partitions } = await log.topic(of);
          await log.commitPositions(
            consumer,
            of,
            partitions.map((_, partition) => offsets[partition] ?? 0),
          );
        }
        async function positions(consumer: string, of: string) {
          return (await log.positions(consumer, of))?.slice(0, grown.partitions);
        }
      },
    });

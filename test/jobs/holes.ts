import type { EventLog, OffsetRange, RecordBlock } from '../../packages/eventlake/src/log/event-log.js';
import { MemoryLog } from '../engine/memory-log.js';

/** Offsets that hold no record, as compaction and transactions leave them: `<partition>/<offset>`. */
export type Holes = Set<string>;

/** The log without the records at these places; everything else, offsets included, is as it was. */
export const withHoles =
  (holes: Holes) =>
  (embedded: EventLog): EventLog =>
    new Proxy(embedded, {
      get(log, name) {
        if (name === 'read') return (topic: string, range: OffsetRange) => without(log, topic, range, holes);
        const value: unknown = Reflect.get(log, name, log);
        return typeof value === 'function' ? value.bind(log) : value;
      },
    });

async function* without(
  log: EventLog,
  topic: string,
  range: OffsetRange,
  holes: Holes,
): AsyncIterable<RecordBlock> {
  for await (const block of log.read(topic, range)) {
    const kept = new MemoryLog();
    for (let i = 0; i < block.count; i++) {
      const offset = block.offsets[i]!;
      if (holes.has(`${range.partition}/${offset}`)) continue;
      const value = block.nullValues?.has(i)
        ? null
        : block.values.slice(block.bounds[i], block.bounds[i + 1]);
      kept.place(range.partition, { offset, timestampMs: block.timestampsMs[i]!, value });
    }
    yield* kept.read(topic, range);
  }
}

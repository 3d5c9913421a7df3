import type { EventLog, OffsetRange, RecordBlock } from '../../packages/eventlake/src/log/event-log.js';

export interface MemoryRecord {
  offset: number;
  timestampMs: number;
  value: Uint8Array | null;
}

/**
 * A log whose records a test places exactly: with gaps between offsets, tombstones, and blocks cut anywhere. For what
 * only reads; jobs are tested on the real log.
 */
export class MemoryLog implements Pick<EventLog, 'read'> {
  readonly #partitions = new Map<number, MemoryRecord[]>();
  readonly #recordsPerBlock: number;

  constructor(recordsPerBlock = 7) {
    this.#recordsPerBlock = recordsPerBlock;
  }

  /** @returns the range of what was added. */
  add(partition: number, values: readonly (Uint8Array | string | null)[], gap = 0): OffsetRange {
    const records = this.#partitions.get(partition) ?? [];
    this.#partitions.set(partition, records);
    const from = (records.at(-1)?.offset ?? -1) + 1;
    let offset = from;
    for (const value of values) {
      const bytes = typeof value === 'string' ? Buffer.from(value) : value;
      records.push({ offset, timestampMs: 1_750_000_000_000 + offset, value: bytes });
      offset += 1 + gap;
    }
    return { partition, from, to: offset };
  }

  /** One record at an offset beyond the last. */
  place(partition: number, record: MemoryRecord): void {
    const records = this.#partitions.get(partition) ?? [];
    this.#partitions.set(partition, records);
    records.push(record);
  }

  async *read(_topic: string, range: OffsetRange): AsyncIterable<RecordBlock> {
    const records = (this.#partitions.get(range.partition) ?? []).filter(
      ({ offset }) => offset >= range.from && offset < range.to,
    );
    for (let i = 0; i < records.length; i += this.#recordsPerBlock) {
      yield block(range.partition, records.slice(i, i + this.#recordsPerBlock));
    }
  }
}

function block(partition: number, records: readonly MemoryRecord[]): RecordBlock {
  const bounds = new Uint32Array(records.length + 1);
  records.forEach(({ value }, i) => {
    bounds[i + 1] = bounds[i]! + (value?.length ?? 0);
  });
  const nullValues = new Set(records.flatMap(({ value }, i) => (value === null ? [i] : [])));
  return {
    partition,
    count: records.length,
    values: new Uint8Array(Buffer.concat(records.map(({ value }) => value ?? new Uint8Array(0)))),
    bounds,
    offsets: Float64Array.from(records, ({ offset }) => offset),
    timestampsMs: Float64Array.from(records, ({ timestampMs }) => timestampMs),
    ...(nullValues.size > 0 && { nullValues }),
  };
}

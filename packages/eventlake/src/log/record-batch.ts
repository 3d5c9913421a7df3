import { EventlakeError } from '../errors.js';
import { APPEND_BYTES_MAX, RECORD_BYTES_MAX } from '../limits.js';
import type { RecordBatch } from './event-log.js';

export interface NewRecord {
  key?: string | null;
  value: string | Uint8Array | null;
  headers?: Readonly<Record<string, string>>;
}

/** A batch of a few records. What produces many fills `values` and `bounds` itself. */
export function recordBatch(records: readonly NewRecord[]): RecordBatch {
  const parts = records.map(({ value }) =>
    typeof value === 'string' ? Buffer.from(value) : (value ?? EMPTY),
  );
  const bounds = new Uint32Array(records.length + 1);
  parts.forEach((part, i) => {
    bounds[i + 1] = bounds[i]! + part.length;
  });
  const headers = new Map(
    records.flatMap((record, i) => (record.headers ? [[i, record.headers] as const] : [])),
  );
  const nullValues = new Set(records.flatMap((record, i) => (record.value === null ? [i] : [])));
  return {
    count: records.length,
    values: Buffer.concat(parts),
    bounds,
    keys: records.map(({ key }) => key ?? null),
    ...(headers.size > 0 && { headers }),
    ...(nullValues.size > 0 && { nullValues }),
  };
}

const EMPTY = new Uint8Array(0);

/** @throws EventlakeError `invalid` where the parts do not fit together, `limit` where a record or the batch is too long. */
export function checkBatch(batch: RecordBatch, topic: string): void {
  const { count, bounds, values, keys } = batch;
  if (bounds.length !== count + 1 || keys.length !== count) {
    throw new EventlakeError(
      'invalid',
      `A batch of ${count} records needs ${count + 1} bounds and ${count} keys, not ${bounds.length} and ${keys.length}`,
      { topic },
    );
  }
  for (let i = 0; i < count; i++) {
    const bytes = bounds[i + 1]! - bounds[i]!;
    if (bytes < 0) throw new EventlakeError('invalid', `The bounds of record ${i} go backwards`, { topic });
    if (bytes > RECORD_BYTES_MAX) {
      throw new EventlakeError(
        'limit',
        `A record of ${bytes} bytes is longer than the ${RECORD_BYTES_MAX} that the log takes`,
        { topic },
        'Nothing of this batch was appended. Send the record in parts, or store what is long elsewhere and send its address.',
      );
    }
  }
  if (bounds[count]! > values.length) {
    throw new EventlakeError(
      'invalid',
      `The bounds end at ${bounds[count]}, the values at ${values.length}`,
      { topic },
    );
  }
  if (bounds[count]! - bounds[0]! > APPEND_BYTES_MAX) {
    throw new EventlakeError(
      'limit',
      `A batch of ${bounds[count]! - bounds[0]!} bytes is longer than the ${APPEND_BYTES_MAX} that one append takes`,
      { topic },
      'Append in smaller batches.',
    );
  }
}

import type { StructField } from '../schema.js';
import { addColumn, type Parts, type Values } from './column.js';
import { batchMessage, schemaMessage } from './schema.js';

/** Rows as columns in the order of the fields. */
export interface ColumnBatch {
  readonly rowCount: number;
  readonly columns: readonly Values[];
}

/**
 * An Arrow stream: the section "IPC Streaming Format" of the columnar format. Each piece is a whole message: the schema, a
 * record batch for each batch, the end.
 */
export async function* arrowStream(
  fields: readonly StructField[],
  batches: AsyncIterable<ColumnBatch>,
): AsyncGenerator<Uint8Array> {
  yield encapsulated(schemaMessage(fields), []);
  for await (const batch of batches) yield recordBatch(fields, batch);
  yield new Uint8Array([...CONTINUATION, 0, 0, 0, 0]);
}

function recordBatch(fields: readonly StructField[], { rowCount, columns }: ColumnBatch): Uint8Array {
  const parts: Parts = { nodes: [], buffers: [] };
  for (const [i, { type }] of fields.entries()) addColumn(type, columns[i]!, parts);
  let bodyBytes = 0;
  const places = parts.buffers.map(({ length }): [number, number] => {
    const offset = bodyBytes;
    bodyBytes += padded(length);
    return [offset, length];
  });
  const message = batchMessage({ rowCount, nodes: parts.nodes, buffers: places, bodyBytes });
  return encapsulated(message, parts.buffers);
}

const CONTINUATION = [0xff, 0xff, 0xff, 0xff];

/** The section "Encapsulated message format". */
function encapsulated(message: Uint8Array, body: readonly Uint8Array[]): Uint8Array {
  const begin = 8 + message.length;
  const bytes = new Uint8Array(body.reduce((size, { length }) => size + padded(length), begin));
  bytes.set(CONTINUATION);
  new DataView(bytes.buffer).setInt32(4, message.length, true);
  bytes.set(message, 8);
  let at = begin;
  for (const part of body) {
    bytes.set(part, at);
    at += padded(part.length);
  }
  return bytes;
}

/** Buffers begin at multiples of 8. */
function padded(length: number): number {
  return (length + 7) & ~7;
}

import type { RecordBatch } from '../log/event-log.js';
import type { Segment } from './segments.js';

/**
 * The lines that lie between two positions of the segment as records, without the ends of the lines: line feed, and a
 * carriage return before it. Empty lines are no records, nor is the byte order mark that some editors put first.
 */
export function recordsOf(
  segment: Segment,
  from: number,
  to: number,
  keyOf: (bytes: Buffer, from: number, to: number) => string | null,
): RecordBatch {
  const { bytes, lineEnds } = segment;
  const values = Buffer.allocUnsafeSlow(to - from);
  const bounds = new Uint32Array(lineEnds.length + 1);
  const keys: (string | null)[] = [];
  let written = 0;
  let lineStart = 0;
  for (const lineEnd of lineEnds) {
    const begin = segment.start === 0 && lineStart === 0 && hasByteOrderMark(bytes) ? 3 : lineStart;
    const end = contentEnd(bytes, begin, lineEnd);
    lineStart = lineEnd;
    // A line that was ingested without its line feed ends where `from` is.
    if (begin < from || lineEnd > to || end <= begin) continue;
    bytes.copy(values, written, begin, end);
    written += end - begin;
    keys.push(keyOf(bytes, begin, end));
    bounds[keys.length] = written;
  }
  return {
    count: keys.length,
    values: values.subarray(0, written),
    bounds: bounds.subarray(0, keys.length + 1),
    keys,
  };
}

/** How many records the lines before this position are. */
export function countRecords(segment: Segment, to: number): number {
  let count = 0;
  let begin = 0;
  for (const lineEnd of segment.lineEnds) {
    const end = contentEnd(segment.bytes, begin, lineEnd);
    if (end > to) break;
    if (end > begin) count++;
    begin = lineEnd;
  }
  return count;
}

/** A file of another kind shows here: a table with commas, an array over many lines, bytes. */
export function countNotObjects({ count, values, bounds }: RecordBatch): number {
  let found = 0;
  for (let i = 0; i < count; i++) {
    let at = bounds[i]!;
    while (values[at] === 32 || values[at] === 9) at++;
    if (values[at] !== 0x7b) found++;
  }
  return found;
}

/** Where the line's content ends: before its line feed and the carriage return before that. */
export function contentEnd(bytes: Buffer, begin: number, lineEnd: number): number {
  let end = lineEnd;
  if (end > begin && bytes[end - 1] === 10) end--;
  if (end > begin && bytes[end - 1] === 13) end--;
  return end;
}

function hasByteOrderMark(bytes: Buffer): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

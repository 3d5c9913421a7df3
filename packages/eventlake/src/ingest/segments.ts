import { EventlakeError } from '../errors.js';
import { RECORD_BYTES_MAX } from '../limits.js';

/** A part of a file with whole lines. Where it begins and ends depends on the content alone, except at the end. */
export interface Segment {
  /** Position of its first byte in the uncompressed file. */
  start: number;
  /** Number of its first line, from 1. */
  firstLine: number;
  /** Line feeds included. */
  bytes: Buffer;
  /** Position after each line in `bytes`, its line feed included where it has one. */
  lineEnds: number[];
  /** Ended by its size. Otherwise the file ended, or could not be read on: it may be longer next time. */
  isFull: boolean;
}

/** A segment is closed by the first line that ends at or after this size. */
const SEGMENT_BYTES = 1024 * 1024;
const LINE_FEED = 10;

/**
 * Cuts a stream of bytes into segments.
 * @throws EventlakeError `limit` at a line that no record can hold, after a segment with all lines before it; and
 *   whatever the stream fails with, likewise.
 */
export async function* segmentsOf(chunks: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<Segment> {
  const cutter = new Cutter(file);
  let failure: unknown;
  try {
    for await (const chunk of chunks) {
      cutter.add(chunk);
      for (let segment = cutter.next(); segment; segment = cutter.next()) yield segment;
    }
  } catch (error) {
    failure = error;
  }
  const rest = cutter.rest(failure === undefined);
  if (rest) yield rest;
  if (failure) throw failure;
}

class Cutter {
  #buffer = Buffer.allocUnsafeSlow(2 * SEGMENT_BYTES);
  #length = 0;
  #searched = 0;
  #lineEnds: number[] = [];
  #start = 0;
  #line = 1;

  constructor(readonly file: string) {}

  add(chunk: Uint8Array): void {
    if (this.#length + chunk.length > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(2 * (this.#length + chunk.length));
      grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length += chunk.length;
  }

  /** The next full segment, where there is one. */
  next(): Segment | undefined {
    const buffer = this.#buffer.subarray(0, this.#length);
    for (let at = this.#searched; ; ) {
      const found = buffer.indexOf(LINE_FEED, at);
      if (found < 0) break;
      this.#checkLength(found);
      at = found + 1;
      this.#searched = at;
      this.#lineEnds.push(at);
      if (at >= SEGMENT_BYTES) return this.#cut(true);
    }
    this.#searched = this.#length;
    this.#checkLength(this.#length);
    return undefined;
  }

  /** What is left when nothing more comes; `isEnd`: a last line without a line feed is a line. */
  rest(isEnd: boolean): Segment | undefined {
    if (isEnd && this.#length > (this.#lineEnds.at(-1) ?? 0)) this.#lineEnds.push(this.#length);
    return this.#lineEnds.length > 0 ? this.#cut(false) : undefined;
  }

  #cut(isFull: boolean): Segment {
    const end = this.#lineEnds.at(-1)!;
    const segment = {
      start: this.#start,
      firstLine: this.#line,
      bytes: this.#buffer.subarray(0, end),
      lineEnds: this.#lineEnds,
      isFull,
    };
    // The segment keeps the memory; what follows it begins anew.
    const rest = this.#buffer.subarray(end, this.#length);
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(2 * SEGMENT_BYTES, 2 * rest.length));
    this.#buffer.set(rest);
    this.#length = rest.length;
    this.#searched = 0;
    this.#line += this.#lineEnds.length;
    this.#lineEnds = [];
    this.#start += end;
    return segment;
  }

  /** Of the line that reaches to here; the carriage return before its line feed is not part of it. */
  #checkLength(end: number): void {
    const begin = this.#lineEnds.at(-1) ?? 0;
    const isReturn = this.#buffer[end - 1] === 13 ? 1 : 0;
    if (end - begin - isReturn <= RECORD_BYTES_MAX) return;
    const line = this.#line + this.#lineEnds.length;
    throw new EventlakeError(
      'limit',
      `Line ${line} of ${this.file} is longer than the ${RECORD_BYTES_MAX} bytes that a record can have`,
      { file: this.file, line },
      'Every line before it is ingested, none after it. Take the line out or break it up, and ingest the file again: it goes on there.',
    );
  }
}

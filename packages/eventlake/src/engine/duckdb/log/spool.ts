import { isUtf8 } from 'node:buffer';
import { type FileHandle, open } from 'node:fs/promises';
import type { RecordBlock } from '../../../log/event-log.js';
import { SPOOL_BUFFER_BYTES, SPOOL_LINE_BYTES_MAX } from '../limits.js';

/** A record that cannot be a line. */
export interface OddRecord {
  offset: number;
  timestampMs: number;
  value: Uint8Array | null;
}

/**
 * Writes blocks of records as lines that DuckDB reads in parallel: `partition\x01offset\x01timestamp ms\x01record\n`,
 * each record valid UTF-8 that begins with `{`, ends with `}`, and holds no byte that would end a column or a line.
 *
 * Memory is two buffers: one is filled while the other is written.
 */
export class Spool {
  lines = 0;
  #file: FileHandle;
  #filling: Buffer;
  #spare: Buffer;
  #length = 0;
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(file: FileHandle) {
    this.#file = file;
    this.#filling = Buffer.allocUnsafeSlow(SPOOL_BUFFER_BYTES);
    this.#spare = Buffer.allocUnsafeSlow(SPOOL_BUFFER_BYTES);
  }

  static async create(path: string): Promise<Spool> {
    return new Spool(await open(path, 'wx'));
  }

  /** @returns the records that are left to the caller; their values lie in the block. */
  async add(block: RecordBlock): Promise<OddRecord[]> {
    const { bounds, count } = block;
    // No Buffer: taking a part of one costs several times as much.
    const values = new Uint8Array(block.values.buffer, block.values.byteOffset, block.values.byteLength);
    const clean = hasOnlyLineBytes(values.subarray(bounds[0], bounds[count]));
    const head = new LineHead(block.partition);
    const odd: OddRecord[] = [];
    for (let next = 0; next < count; ) {
      next = this.#fill(block, next, values, clean, head, odd);
      if (next < count) await this.#turn();
    }
    return odd;
  }

  /** Writes lines until the buffer is full. @returns the next record. */
  #fill(
    { bounds, count, offsets, timestampsMs, nullValues }: RecordBlock,
    first: number,
    values: Uint8Array,
    clean: boolean,
    head: LineHead,
    odd: OddRecord[],
  ): number {
    const buffer = this.#filling;
    let at = this.#length;
    let lines = 0;
    let next = first;
    for (; next < count; next++) {
      const start = bounds[next]!;
      const end = bounds[next + 1]!;
      const offset = offsets[next]!;
      const timestampMs = timestampsMs[next]!;
      if (nullValues?.has(next)) {
        odd.push({ offset, timestampMs, value: null });
        continue;
      }
      if (!isObjectLike(values, start, end) || !(clean || hasOnlyLineBytes(values.subarray(start, end)))) {
        odd.push({ offset, timestampMs, value: values.subarray(start, end) });
        continue;
      }
      if (at + HEAD_BYTES_MAX + (end - start) > SPOOL_BUFFER_BYTES) break;
      at = head.write(buffer, at, offset, timestampMs);
      buffer.set(values.subarray(start, end), at);
      at += end - start;
      buffer[at++] = LINE_FEED;
      lines += 1;
    }
    this.#length = at;
    this.lines += lines;
    return next;
  }

  async close(): Promise<void> {
    try {
      await this.#turn();
      await this.#writing;
    } finally {
      await this.#file.close();
    }
  }

  async #turn(): Promise<void> {
    await this.#writing;
    const full = this.#filling.subarray(0, this.#length);
    [this.#filling, this.#spare] = [this.#spare, this.#filling];
    this.#length = 0;
    this.#writing = writeAll(this.#file, full);
    // An error is thrown where the promise is awaited next; until then it is nobody's unhandled rejection.
    this.#writing.catch(() => {});
  }
}

const LINE_FEED = 0x0a;
const SEPARATOR = 0x01;
/** Three numbers of at most 16 digits, their separators, and the line's end. */
const HEAD_BYTES_MAX = 64;

/** Writes what comes before the record; the timestamp's digits are kept, since a block has few different ones. */
class LineHead {
  readonly #partition: Buffer;
  readonly #timestamp = Buffer.alloc(32);
  #timestampLength = 0;
  #timestampMs = Number.NaN;

  constructor(partition: number) {
    this.#partition = Buffer.from(`${partition}\x01`);
  }

  write(buffer: Buffer, from: number, offset: number, timestampMs: number): number {
    let at = from;
    for (let i = 0; i < this.#partition.length; i++) buffer[at++] = this.#partition[i]!;
    at = writeDigits(buffer, at, offset);
    if (timestampMs !== this.#timestampMs) this.#remember(timestampMs);
    for (let i = 0; i < this.#timestampLength; i++) buffer[at++] = this.#timestamp[i]!;
    return at;
  }

  #remember(timestampMs: number): void {
    this.#timestampMs = timestampMs;
    this.#timestamp[0] = SEPARATOR;
    this.#timestampLength = this.#timestamp.write(`${timestampMs}\x01`, 1) + 1;
  }
}

/** The decimal digits of a whole number that is not negative. Without a string for each record. */
function writeDigits(buffer: Buffer, from: number, value: number): number {
  let digits = 1;
  for (let power = 10; value >= power; power *= 10) digits += 1;
  let at = from + digits;
  let rest = value;
  while (rest >= 1e9) {
    const high = Math.floor(rest / 1e9);
    at = writeLow(buffer, at, rest - high * 1e9, 9);
    rest = high;
  }
  writeLow(buffer, at, rest, at - from);
  return from + digits;
}

function writeLow(buffer: Buffer, end: number, value: number, digits: number): number {
  let rest = value | 0;
  let at = end;
  for (let i = 0; i < digits; i++) {
    const tenth = (rest / 10) | 0;
    buffer[--at] = 0x30 + rest - tenth * 10;
    rest = tenth;
  }
  return at;
}

/** Cheap: a Buffer's searches run at memory speed. A carriage return would end a line for some readers. */
function hasOnlyLineBytes(part: Uint8Array): boolean {
  const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
  return (
    !bytes.includes(LINE_FEED) &&
    !bytes.includes(0x0d) &&
    !bytes.includes(0x00) &&
    !bytes.includes(SEPARATOR) &&
    isUtf8(bytes)
  );
}

/**
 * Records between braces only: then records that are valid UTF-8 together are so each on its own. The rest may have
 * white space around them, which is rare, or be no object.
 */
function isObjectLike(values: Uint8Array, start: number, end: number): boolean {
  return (
    values[start] === 0x7b &&
    values[end - 1] === 0x7d &&
    end - start >= 2 &&
    end - start <= SPOOL_LINE_BYTES_MAX
  );
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at);
    at += bytesWritten;
  }
}

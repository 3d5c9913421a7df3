import type { RecordBatch } from 'eventlake';
import { eventTypes, pages, sources } from './shop.js';

/** One event as numbers. */
export interface Event {
  /** The event id's 128 bits. */
  id0: number;
  id1: number;
  id2: number;
  id3: number;
  userId: number;
  type: number;
  page: number;
  source: number;
  /** Event time, microseconds since 1970. */
  timeUs: number;
}

/**
 * Writes events as JSON into one buffer, byte by byte: no object, no string, no JSON.stringify for each.
 * What never changes is encoded once; the time's text is kept until the second changes.
 */
export class RecordWriter {
  private bytes: Uint8Array;
  private end = 0;
  private readonly bounds: Uint32Array;
  private readonly keys: (string | null)[];
  private count = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity * 208 + roomForOne);
    this.bounds = new Uint32Array(capacity + 1);
    this.keys = new Array(capacity).fill(null);
  }

  writeEvent(event: Event): void {
    this.reserve(roomForOne);
    this.copy(opening);
    this.writeUuid(event);
    this.copy(beforeUser);
    this.writeInteger(event.userId);
    this.copy(typeAndPage[event.type * pages.length + event.page]!);
    this.writeTime(event.timeUs);
    this.copy(closing[event.source]!);
    this.finish(eventTypes[event.type]!);
  }

  writeBytes(record: Uint8Array, key: string | null): void {
    this.reserve(record.length);
    this.bytes.set(record, this.end);
    this.end += record.length;
    this.finish(key);
  }

  toBatch(): RecordBatch {
    return {
      count: this.count,
      values: this.bytes.subarray(0, this.end),
      bounds: this.bounds,
      keys: this.keys,
    };
  }

  private finish(key: string | null): void {
    this.keys[this.count++] = key;
    this.bounds[this.count] = this.end;
  }

  private reserve(size: number): void {
    if (this.end + size <= this.bytes.length) return;
    const larger = new Uint8Array((this.bytes.length + size) * 2);
    larger.set(this.bytes);
    this.bytes = larger;
  }

  /** A loop, since below a hundred bytes it beats `set` with its view. */
  private copy(part: Uint8Array): void {
    const { bytes } = this;
    let end = this.end;
    for (let i = 0; i < part.length; i++) bytes[end++] = part[i]!;
    this.end = end;
  }

  private writeUuid({ id0, id1, id2, id3 }: Event): void {
    this.writeHex(id0 >>> 16);
    this.writeHex(id0 & 0xffff);
    this.bytes[this.end++] = dash;
    this.writeHex(id1 >>> 16);
    this.bytes[this.end++] = dash;
    this.writeHex(id1 & 0xffff);
    this.bytes[this.end++] = dash;
    this.writeHex(id2 >>> 16);
    this.bytes[this.end++] = dash;
    this.writeHex(id2 & 0xffff);
    this.writeHex(id3 >>> 16);
    this.writeHex(id3 & 0xffff);
  }

  private writeHex(bits16: number): void {
    const { bytes } = this;
    bytes[this.end++] = hexDigits[bits16 >>> 12]!;
    bytes[this.end++] = hexDigits[(bits16 >>> 8) & 15]!;
    bytes[this.end++] = hexDigits[(bits16 >>> 4) & 15]!;
    bytes[this.end++] = hexDigits[bits16 & 15]!;
  }

  private writeInteger(value: number): void {
    let digits = 1;
    for (let bound = 10; value >= bound; bound *= 10) digits++;
    this.writeDigits(value, digits);
  }

  private writeDigits(value: number, digits: number): void {
    let rest = value;
    for (let at = this.end + digits - 1; at >= this.end; at--) {
      const tenth = Math.floor(rest / 10);
      this.bytes[at] = zero + rest - tenth * 10;
      rest = tenth;
    }
    this.end += digits;
  }

  private second = Number.NaN;
  private readonly secondText = new Uint8Array('2026-01-01T00:00:00.'.length);

  private writeTime(timeUs: number): void {
    const second = Math.floor(timeUs / 1_000_000);
    if (second !== this.second) {
      encoder.encodeInto(new Date(second * 1000).toISOString().slice(0, 20), this.secondText);
      this.second = second;
    }
    this.copy(this.secondText);
    this.writeDigits(timeUs - second * 1_000_000, 6);
    this.copy(offset);
  }
}

const encoder = new TextEncoder();
const encode = (text: string): Uint8Array => encoder.encode(text);

const opening = encode('{"event_id":"');
const beforeUser = encode('","user_id":');
const typeAndPage = eventTypes.flatMap((type) =>
  pages.map((page) => encode(`,"event_type":"${type}","page":${JSON.stringify(page)},"timestamp":"`)),
);
const offset = encode('+00:00');
const closing = sources.map((source) => encode(`","source":"${source}"}`));

const hexDigits = encode('0123456789abcdef');
const dash = 0x2d;
const zero = 0x30;
/** More than the longest event takes. */
const roomForOne = 512;

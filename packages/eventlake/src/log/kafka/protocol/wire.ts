/** So many bytes are handed on as they are: a copy would cost more than another part. */
const PART_BYTES_MIN = 16 * 1024;

/**
 * The primitive types of Kafka's protocol: https://kafka.apache.org/protocol#protocol_types
 * Offsets and ids are exact as JavaScript numbers up to 2^53; producer ids, which are opaque, stay `bigint`.
 */
export class Writer {
  #bytes: Buffer;
  #at = 0;
  /** What is complete; `#bytes` follows it. */
  readonly #parts: Buffer[] = [];

  constructor(sizeHint = 256) {
    this.#bytes = Buffer.allocUnsafe(sizeHint);
  }

  int8(value: number): this {
    this.#at = this.#room(1).writeInt8(value, this.#at);
    return this;
  }

  int16(value: number): this {
    this.#at = this.#room(2).writeInt16BE(value, this.#at);
    return this;
  }

  int32(value: number): this {
    this.#at = this.#room(4).writeInt32BE(value, this.#at);
    return this;
  }

  int64(value: number | bigint): this {
    this.#at = this.#room(8).writeBigInt64BE(BigInt(value), this.#at);
    return this;
  }

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }

  unsignedVarint(value: number): this {
    let rest = value >>> 0;
    while (rest > 127) {
      this.#byte((rest & 127) | 128);
      rest >>>= 7;
    }
    return this.#byte(rest);
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const length = Buffer.byteLength(value);
    this.int16(length);
    this.#at += this.#room(length).write(value, this.#at);
    return this;
  }

  compactString(value: string | null): this {
    if (value === null) return this.unsignedVarint(0);
    const length = Buffer.byteLength(value);
    this.unsignedVarint(length + 1);
    this.#at += this.#room(length).write(value, this.#at);
    return this;
  }

  uuid(hex: string): this {
    return this.raw(Buffer.from(hex, 'hex'));
  }

  bytes(value: Uint8Array): this {
    return this.int32(value.length).raw(value);
  }

  raw(value: Uint8Array): this {
    if (value.length >= PART_BYTES_MIN) {
      this.#parts.push(this.#bytes.subarray(0, this.#at));
      this.#parts.push(Buffer.from(value.buffer, value.byteOffset, value.length));
      this.#bytes = Buffer.allocUnsafe(64);
      this.#at = 0;
      return this;
    }
    this.#room(value.length).set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  array<T>(items: readonly T[], write: (item: T) => void): this {
    this.int32(items.length);
    items.forEach(write);
    return this;
  }

  compactArray<T>(items: readonly T[], write: (item: T) => void): this {
    this.unsignedVarint(items.length + 1);
    items.forEach(write);
    return this;
  }

  /** We send none. */
  noTags(): this {
    return this.unsignedVarint(0);
  }

  /** @returns The parts, to be sent one after the other. */
  finish(): Buffer[] {
    if (this.#at > 0) this.#parts.push(this.#bytes.subarray(0, this.#at));
    return this.#parts;
  }

  #byte(value: number): this {
    this.#at = this.#room(1).writeUInt8(value, this.#at);
    return this;
  }

  #room(bytes: number): Buffer {
    if (this.#at + bytes > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#at + bytes, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#at));
      this.#bytes = grown;
    }
    return this.#bytes;
  }
}

/** @throws RangeError where the bytes end before what is read. */
export class Reader {
  constructor(
    readonly buffer: Buffer,
    public at = 0,
  ) {}

  int8(): number {
    return this.buffer.readInt8(this.#step(1));
  }

  int16(): number {
    return this.buffer.readInt16BE(this.#step(2));
  }

  int32(): number {
    return this.buffer.readInt32BE(this.#step(4));
  }

  bigint(): bigint {
    return this.buffer.readBigInt64BE(this.#step(8));
  }

  int64(): number {
    return Number(this.bigint());
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer.readUInt8(this.#step(1));
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
    throw new RangeError('a varint of more than 5 bytes');
  }

  string(): string {
    return this.nullableString() ?? '';
  }

  nullableString(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.#text(length);
  }

  compactString(): string {
    return this.#text(Math.max(0, this.unsignedVarint() - 1));
  }

  uuid(): string {
    return this.raw(16).toString('hex');
  }

  bytes(): Buffer {
    return this.raw(Math.max(0, this.int32()));
  }

  compactBytes(): Buffer {
    return this.raw(Math.max(0, this.unsignedVarint() - 1));
  }

  raw(length: number): Buffer {
    const from = this.#step(length);
    return this.buffer.subarray(from, from + length);
  }

  array<T>(read: () => T): T[] {
    return this.#items(this.int32(), read);
  }

  compactArray<T>(read: () => T): T[] {
    return this.#items(this.unsignedVarint() - 1, read);
  }

  skipTags(): void {
    for (let left = this.unsignedVarint(); left > 0; left--) {
      this.unsignedVarint();
      this.raw(this.unsignedVarint());
    }
  }

  #items<T>(length: number, read: () => T): T[] {
    const items: T[] = [];
    for (let i = 0; i < length; i++) items.push(read());
    return items;
  }

  #text(length: number): string {
    return this.raw(length).toString();
  }

  #step(bytes: number): number {
    const from = this.at;
    if (from + bytes > this.buffer.length) throw new RangeError('the answer ends too early');
    this.at = from + bytes;
    return from;
  }
}

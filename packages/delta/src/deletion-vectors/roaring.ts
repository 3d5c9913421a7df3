import { DeltaError } from '../errors.js';
import { RowSet } from './row-set.js';

/**
 * RoaringBitmapArray in its portable format, as the protocol's section "Deletion Vector Format" has it: a magic
 * number, then 64-bit positions as a sequence of 32-bit Roaring bitmaps
 * (https://github.com/RoaringBitmap/RoaringFormatSpec). Little-endian.
 */
const portableMagic = 1_681_511_377;
/** An older format of Delta's Spark writer, in which the protocol's own inline example is written. */
const nativeMagic = 1_681_511_376;
const cookieWithoutRuns = 12_346;
const cookieWithRuns = 12_347;
/** With run containers, offsets are only written from this many containers on. */
const offsetsFrom = 4;
const arrayMax = 4096;

/**
 * @param rowCount rows that the file has: positions must be below
 * @throws DeltaError of kind `corrupt` where the bytes are no such bitmap
 */
export function readRoaring(bytes: Uint8Array, rowCount: number): RowSet {
  const reader = new Reader(bytes);
  const set = new RowSet(rowCount);
  const magic = reader.u32();
  if (magic === portableMagic) readPortable(reader, set, rowCount);
  else if (magic === nativeMagic) readNative(reader, set, rowCount, true);
  else if (byteSwapped(magic) === nativeMagic) readNative(reader, set, rowCount, false);
  else throw corrupt('it does not begin with the magic number of its format');
  if (reader.remaining > 0) throw corrupt('bytes follow its end');
  return set;
}

function readPortable(reader: Reader, set: RowSet, rowCount: number): void {
  const bitmaps = reader.u32() + reader.u32() * 2 ** 32;
  let previous = -1;
  for (let i = 0; i < bitmaps; i++) {
    const high = reader.u32();
    if (high <= previous) throw corrupt('its bitmaps are not in order');
    previous = high;
    readBitmap(reader, high * 2 ** 32, set, rowCount);
  }
}

/** Without keys: one bitmap for each 2^32 rows, each after its length. */
function readNative(reader: Reader, set: RowSet, rowCount: number, littleEndian: boolean): void {
  const u32 = (): number => (littleEndian ? reader.u32() : byteSwapped(reader.u32()));
  const bitmaps = u32();
  for (let high = 0; high < bitmaps; high++) {
    u32();
    readBitmap(reader, high * 2 ** 32, set, rowCount);
  }
}

function byteSwapped(n: number): number {
  return ((n >>> 24) | ((n >>> 8) & 0xff00) | ((n << 8) & 0xff0000) | (n << 24)) >>> 0;
}

export function writeRoaring(rows: RowSet): Uint8Array {
  const bitmaps = new Map<number, Map<number, number[]>>();
  for (const row of rows) {
    const high = Math.floor(row / 2 ** 32);
    const key = Math.floor(row / 65_536) % 65_536;
    const containers = bitmaps.get(high) ?? new Map<number, number[]>();
    bitmaps.set(high, containers);
    const values = containers.get(key);
    if (values) values.push(row % 65_536);
    else containers.set(key, [row % 65_536]);
  }
  const writer = new Writer();
  writer.u32(portableMagic);
  writer.u32(bitmaps.size);
  writer.u32(0);
  for (const [high, containers] of bitmaps) {
    writer.u32(high);
    writeBitmap(writer, containers);
  }
  return writer.bytes();
}

function readBitmap(reader: Reader, base: number, set: RowSet, rowCount: number): void {
  const cookie = reader.u32();
  const withRuns = (cookie & 0xffff) === cookieWithRuns;
  if (!withRuns && cookie !== cookieWithoutRuns) throw corrupt('a bitmap begins with an unknown number');
  const size = withRuns ? (cookie >>> 16) + 1 : reader.u32();
  if (size > 65_536) throw corrupt(`a bitmap claims ${size} containers`);
  const runFlags = withRuns ? reader.take((size + 7) >> 3) : undefined;
  const header = reader.take(size * 4);
  if (!withRuns || size >= offsetsFrom) reader.take(size * 4);
  const u16 = (at: number): number => (header[at] as number) | ((header[at + 1] as number) << 8);
  for (let i = 0; i < size; i++) {
    const start = base + u16(i * 4) * 65_536;
    const add = (low: number): void => {
      if (start + low >= rowCount) throw corrupt(`it has row ${start + low}, and the file has ${rowCount}`);
      set.add(start + low);
    };
    const cardinality = u16(i * 4 + 2) + 1;
    if (runFlags && ((runFlags[i >> 3] as number) >> (i & 7)) & 1) readRuns(reader, add);
    else if (cardinality > arrayMax) readBits(reader, add);
    else for (let n = 0; n < cardinality; n++) add(reader.u16());
  }
}

function readRuns(reader: Reader, add: (low: number) => void): void {
  const runs = reader.u16();
  for (let i = 0; i < runs; i++) {
    const from = reader.u16();
    const to = from + reader.u16();
    if (to > 65_535) throw corrupt('a run leaves its container');
    for (let low = from; low <= to; low++) add(low);
  }
}

function readBits(reader: Reader, add: (low: number) => void): void {
  const bits = reader.take(8192);
  for (let at = 0; at < 8192; at++) {
    const byte = bits[at] as number;
    if (byte === 0) continue;
    for (let bit = 0; bit < 8; bit++) if ((byte >> bit) & 1) add(at * 8 + bit);
  }
}

function writeBitmap(writer: Writer, containers: Map<number, number[]>): void {
  const runs = [...containers.values()].map((values) => runsOf(values));
  const lists = [...containers.values()];
  // A run takes 4 bytes, a single value 2, a bitmap 8192.
  const asRuns = lists.map((v, i) => (runs[i] as number[][]).length * 4 + 2 < Math.min(v.length * 2, 8192));
  const withRuns = asRuns.includes(true);
  const size = lists.length;
  const begin = writer.length;
  if (withRuns) {
    writer.u32(cookieWithRuns | ((size - 1) << 16));
    for (let at = 0; at < (size + 7) >> 3; at++) {
      let byte = 0;
      for (let bit = 0; bit < 8; bit++) if (asRuns[at * 8 + bit]) byte |= 1 << bit;
      writer.u8(byte);
    }
  } else {
    writer.u32(cookieWithoutRuns);
    writer.u32(size);
  }
  for (const [key, values] of containers) {
    writer.u16(key);
    writer.u16(values.length - 1);
  }
  const sizes = lists.map((values, i) =>
    asRuns[i] ? 2 + (runs[i] as number[][]).length * 4 : values.length > arrayMax ? 8192 : values.length * 2,
  );
  if (!withRuns || size >= offsetsFrom) {
    let offset = writer.length - begin + size * 4;
    for (const bytes of sizes) {
      writer.u32(offset);
      offset += bytes;
    }
  }
  for (const [i, values] of lists.entries()) {
    if (asRuns[i]) writeRuns(writer, runs[i] as number[][]);
    else if (values.length > arrayMax) writer.raw(bitsOf(values));
    else for (const value of values) writer.u16(value);
  }
}

function runsOf(values: number[]): number[][] {
  const runs: number[][] = [];
  for (const value of values) {
    const last = runs.at(-1);
    if (last !== undefined && value === (last[1] as number) + 1) last[1] = value;
    else runs.push([value, value]);
  }
  return runs;
}

function writeRuns(writer: Writer, runs: number[][]): void {
  writer.u16(runs.length);
  for (const [from, to] of runs as [number, number][]) {
    writer.u16(from);
    writer.u16(to - from);
  }
}

function bitsOf(values: number[]): Uint8Array {
  const bits = new Uint8Array(8192);
  for (const value of values) bits[value >> 3] = (bits[value >> 3] as number) | (1 << (value & 7));
  return bits;
}

class Reader {
  private at = 0;
  private readonly view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.bytes.length - this.at;
  }

  take(length: number): Uint8Array {
    if (length > this.remaining) throw corrupt('it is cut off');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  u16(): number {
    this.take(2);
    return this.view.getUint16(this.at - 2, true);
  }

  u32(): number {
    this.take(4);
    return this.view.getUint32(this.at - 4, true);
  }
}

class Writer {
  length = 0;
  private buffer = new Uint8Array(1024);

  bytes(): Uint8Array {
    return this.buffer.slice(0, this.length);
  }

  u8(value: number): void {
    this.raw([value]);
  }

  u16(value: number): void {
    this.raw([value & 255, value >>> 8]);
  }

  u32(value: number): void {
    this.raw([value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24]);
  }

  raw(bytes: ArrayLike<number>): void {
    if (this.length + bytes.length > this.buffer.length) {
      const grown = new Uint8Array(Math.max(this.buffer.length * 2, this.length + bytes.length));
      grown.set(this.buffer);
      this.buffer = grown;
    }
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }
}

function corrupt(reason: string): DeltaError {
  return new DeltaError('corrupt', `a deletion vector is damaged: ${reason}`);
}

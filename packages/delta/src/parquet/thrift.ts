/**
 * The part of Thrift's compact protocol that Parquet's footers and page headers are written in.
 * A struct comes back as an array indexed by field id; what is not there is undefined.
 * Every read is checked against the end of the bytes, nesting and lists are bounded by them: a hostile file costs
 * no more than its own length.
 */
export type ThriftValue = boolean | number | bigint | Uint8Array | ThriftValue[] | undefined;

/** Reads one struct. @throws RangeError or ParquetError where the bytes are no such struct. */
export function readStruct(reader: ByteReader, depth = 0): ThriftValue[] {
  if (depth > 32) throw new ParquetError('the thrift structure is nested too deeply');
  const fields: ThriftValue[] = [];
  let id = 0;
  for (;;) {
    const head = reader.byte();
    const type = head & 0x0f;
    if (type === 0) return fields;
    id = head >> 4 ? id + (head >> 4) : unzigzag(reader.varint());
    if (id < 0 || id > 1000) throw new ParquetError(`thrift field ${id} does not exist`);
    fields[id] = readValue(reader, type, depth);
  }
}

/** What is wrong with the bytes of a Parquet file; the caller adds which file. */
export class ParquetError extends Error {
  override readonly name = 'ParquetError';
}

/** A cursor over bytes that throws where it would leave them. */
export class ByteReader {
  offset = 0;
  readonly view: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.bytes.length - this.offset;
  }

  byte(): number {
    if (this.offset >= this.bytes.length) throw new ParquetError('unexpected end of data');
    return this.bytes[this.offset++] as number;
  }

  take(length: number): Uint8Array {
    if (length < 0 || length > this.remaining) throw new ParquetError('unexpected end of data');
    this.offset += length;
    return this.bytes.subarray(this.offset - length, this.offset);
  }

  /** An unsigned LEB128 number of at most 53 bits. */
  varint(): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) break;
        return value;
      }
      factor *= 128;
    }
    throw new ParquetError('a number is longer than it may be');
  }

  varbigint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new ParquetError('a number is longer than it may be');
  }
}

function unzigzag(n: number): number {
  return n % 2 === 0 ? n / 2 : -(n + 1) / 2;
}

function readValue(reader: ByteReader, type: number, depth: number): ThriftValue {
  switch (type) {
    case 1:
      return true;
    case 2:
      return false;
    case 3:
      return (reader.byte() << 24) >> 24;
    case 4:
    case 5:
      return unzigzag(reader.varint());
    case 6: {
      const n = reader.varbigint();
      return (n >> 1n) ^ -(n & 1n);
    }
    case 7: {
      reader.take(8);
      return reader.view.getFloat64(reader.offset - 8, true);
    }
    case 8:
      return reader.take(reader.varint());
    case 9:
    case 10:
      return readList(reader, depth);
    case 12:
      return readStruct(reader, depth + 1);
    default:
      throw new ParquetError(`thrift type ${type} does not exist`);
  }
}

function readList(reader: ByteReader, depth: number): ThriftValue[] {
  if (depth > 32) throw new ParquetError('the thrift structure is nested too deeply');
  const head = reader.byte();
  const type = head & 0x0f;
  const size = head >> 4 === 15 ? reader.varint() : head >> 4;
  // Every element takes at least one byte.
  if (size > reader.remaining) throw new ParquetError('a list is longer than the data');
  const values: ThriftValue[] = [];
  for (let i = 0; i < size; i++) {
    values.push(type === 1 || type === 2 ? reader.byte() === 1 : readValue(reader, type, depth + 1));
  }
  return values;
}

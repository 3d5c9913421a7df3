import { decompress, pageBytesMax } from './codecs.js';
import {
  readDelta32,
  readDelta64,
  readDeltaLengths,
  readDeltaStrings,
  readHybrid,
  unsplitBytes,
} from './encodings.js';
import { type ColumnChunk, type ParquetNode, valuesPerChunkMax } from './metadata.js';
import { ByteReader, ParquetError, readStruct, type ThriftValue } from './thrift.js';

/** A column chunk, decoded: levels where the column has them, and the values that are not null, in order. */
export interface LeafData {
  readonly node: ParquetNode;
  /** Number of levels: rows, plus what repetition adds. */
  readonly length: number;
  readonly definition: Uint8Array | undefined;
  readonly repetition: Uint8Array | undefined;
  readonly values: PhysicalArray;
  readonly valueCount: number;
}

/** By physical type; bytes have gone through the caller's `fromBytes`. */
export type PhysicalArray = Uint8Array | Int32Array | BigInt64Array | Float32Array | Float64Array | unknown[];

/** What bytes become: text, a copy, a number. Called once per value, for dictionaries once per distinct value. */
export type FromBytes = (bytes: Uint8Array) => unknown;

/** Decodes the pages of one column chunk. @throws ParquetError */
export function readLeaf(
  bytes: Uint8Array,
  chunk: ColumnChunk,
  node: ParquetNode,
  fromBytes: FromBytes,
): LeafData {
  if (chunk.valueCount > valuesPerChunkMax)
    throw new ParquetError(`a row group of ${chunk.valueCount} values`);
  const decoder = new LeafDecoder(chunk, node, fromBytes);
  const reader = new ByteReader(bytes);
  while (decoder.levels < chunk.valueCount) decoder.page(reader);
  return decoder.result();
}

class LeafDecoder {
  levels = 0;
  private filled = 0;
  private readonly definition: Uint8Array | undefined;
  private readonly repetition: Uint8Array | undefined;
  private readonly values: PhysicalArray;
  private dictionary: PhysicalArray | undefined;

  constructor(
    private readonly chunk: ColumnChunk,
    private readonly node: ParquetNode,
    private readonly fromBytes: FromBytes,
  ) {
    const n = chunk.valueCount;
    this.definition = node.maxDefinition > 0 ? new Uint8Array(n) : undefined;
    this.repetition = node.maxRepetition > 0 ? new Uint8Array(n) : undefined;
    this.values = container(node, n);
  }

  result(): LeafData {
    const { node, definition, repetition, values, filled, levels } = this;
    return { node, length: levels, definition, repetition, values, valueCount: filled };
  }

  page(reader: ByteReader): void {
    const header = readStruct(reader);
    const compressedSize = int(header[3]);
    const bytes = reader.take(compressedSize);
    const size = int(header[2]);
    // Anything else is an index page, which nobody writes.
    if (header[1] === 0) this.dataPage(bytes, size, struct(header[5]));
    else if (header[1] === 2) this.dictionaryPage(bytes, size, struct(header[7]));
    else if (header[1] === 3) this.dataPageV2(bytes, size, struct(header[8]));
  }

  private dictionaryPage(compressed: Uint8Array, size: number, header: ThriftValue[]): void {
    const bytes = decompress(this.chunk.codec, compressed, size);
    const count = int(header[1]);
    // Whatever the type, a value takes a bit at least.
    if (count > bytes.length * 8) throw new ParquetError('a dictionary of more values than bytes');
    this.dictionary = container(this.node, count);
    this.plain(new ByteReader(bytes), this.dictionary, 0, count);
  }

  private dataPage(compressed: Uint8Array, size: number, header: ThriftValue[]): void {
    const count = this.admit(int(header[1]));
    const reader = new ByteReader(decompress(this.chunk.codec, compressed, size));
    const levels = (out: Uint8Array | undefined, max: number, encoding: ThriftValue): void => {
      if (out === undefined) return;
      if (encoding !== RLE) throw new ParquetError('bit-packed levels are not supported');
      const length = reader.view.getUint32(reader.offset, true);
      reader.offset += 4;
      readHybrid(new ByteReader(reader.take(length)), bitWidth(max), out, this.levels, count);
    };
    levels(this.repetition, this.node.maxRepetition, header[4]);
    levels(this.definition, this.node.maxDefinition, header[3]);
    this.pageValues(reader, count, int(header[2]));
  }

  private dataPageV2(bytes: Uint8Array, size: number, header: ThriftValue[]): void {
    const count = this.admit(int(header[1]));
    const definitionSize = int(header[5]);
    const repetitionSize = int(header[6]);
    const reader = new ByteReader(bytes);
    const repetition = new ByteReader(reader.take(repetitionSize));
    const definition = new ByteReader(reader.take(definitionSize));
    const { maxRepetition, maxDefinition } = this.node;
    if (this.repetition) readHybrid(repetition, bitWidth(maxRepetition), this.repetition, this.levels, count);
    if (this.definition) readHybrid(definition, bitWidth(maxDefinition), this.definition, this.levels, count);
    const rest = reader.take(reader.remaining);
    const restSize = size - definitionSize - repetitionSize;
    const compressed = header[7] !== false && this.chunk.codec !== 'UNCOMPRESSED';
    // A page of nulls alone may have no bytes, not even a codec's frame.
    const values = compressed && rest.length > 0 ? decompress(this.chunk.codec, rest, restSize) : rest;
    this.pageValues(new ByteReader(values), count, int(header[4]));
  }

  private admit(count: number): number {
    if (count > this.chunk.valueCount - this.levels)
      throw new ParquetError('more values than the footer says');
    return count;
  }

  private pageValues(reader: ByteReader, count: number, encoding: number): void {
    let present = count;
    if (this.definition) {
      const max = this.node.maxDefinition;
      const end = this.levels + count;
      present = 0;
      for (let i = this.levels; i < end; i++) {
        const level = this.definition[i] as number;
        if (level === max) present++;
        else if (level > max) throw new ParquetError(`a definition level of ${level}`);
      }
    }
    this.decode(reader, encoding, present);
    this.levels += count;
    this.filled += present;
  }

  private decode(reader: ByteReader, encoding: number, count: number): void {
    const { values, filled: at, node } = this;
    if (count === 0) return;
    if (encoding === PLAIN) this.plain(reader, values, at, count);
    else if (encoding === RLE_DICTIONARY || encoding === PLAIN_DICTIONARY) this.fromDictionary(reader, count);
    else if (encoding === RLE && node.physical === 'BOOLEAN') {
      reader.take(4);
      readHybrid(reader, 1, values as Uint8Array, at, count);
    } else if (encoding === DELTA_BINARY_PACKED && values instanceof Int32Array) {
      readDelta32(reader, values, at, count);
    } else if (encoding === DELTA_BINARY_PACKED && values instanceof BigInt64Array) {
      readDelta64(reader, values, at, count);
    } else if (encoding === DELTA_LENGTH_BYTE_ARRAY && Array.isArray(values)) {
      for (const bytes of readDeltaLengths(reader, count)) values.push(this.fromBytes(bytes));
    } else if (encoding === DELTA_BYTE_ARRAY && Array.isArray(values)) {
      for (const bytes of readDeltaStrings(reader, count)) values.push(this.fromBytes(bytes));
    } else if (encoding === BYTE_STREAM_SPLIT) {
      const split = unsplitBytes(reader, count, width(node));
      this.plain(new ByteReader(split), values, at, count);
    } else throw new ParquetError(`encoding ${encoding} is not supported for ${node.physical}`);
  }

  private fromDictionary(reader: ByteReader, count: number): void {
    const { dictionary, values, filled: at } = this;
    if (dictionary === undefined) throw new ParquetError('a page refers to a dictionary that is not there');
    const indexes = new Int32Array(count);
    readHybrid(reader, reader.byte(), indexes, 0, count);
    const size = dictionary.length;
    for (let i = 0; i < count; i++) {
      const index = indexes[i] as number;
      if (index < 0 || index >= size) throw new ParquetError('an index outside of the dictionary');
      // Both are containers of the same kind.
      (values as unknown[])[at + i] = dictionary[index];
    }
  }

  private plain(reader: ByteReader, out: PhysicalArray, at: number, count: number): void {
    if (!Array.isArray(out)) {
      if (this.node.physical === 'BOOLEAN') {
        const bits = reader.take((count + 7) >> 3);
        for (let i = 0; i < count; i++)
          (out as Uint8Array)[at + i] = ((bits[i >> 3] as number) >> (i & 7)) & 1;
        return;
      }
      const bytes = reader.take(count * out.BYTES_PER_ELEMENT);
      new Uint8Array(out.buffer, out.byteOffset).set(bytes, at * out.BYTES_PER_ELEMENT);
      return;
    }
    const fixed = width(this.node);
    for (let i = 0; i < count; i++) {
      if (fixed > 0) out.push(this.fromBytes(reader.take(fixed)));
      else {
        if (reader.remaining < 4) throw new ParquetError('unexpected end of data');
        const length = reader.view.getUint32(reader.offset, true);
        reader.offset += 4;
        out.push(this.fromBytes(reader.take(length)));
      }
    }
  }
}

const PLAIN = 0;
const PLAIN_DICTIONARY = 2;
const RLE = 3;
const DELTA_BINARY_PACKED = 5;
const DELTA_LENGTH_BYTE_ARRAY = 6;
const DELTA_BYTE_ARRAY = 7;
const RLE_DICTIONARY = 8;
const BYTE_STREAM_SPLIT = 9;

function container(node: ParquetNode, count: number): PhysicalArray {
  switch (node.physical) {
    case 'BOOLEAN':
      return new Uint8Array(count);
    case 'INT32':
      return new Int32Array(count);
    case 'INT64':
      return new BigInt64Array(count);
    case 'FLOAT':
      return new Float32Array(count);
    case 'DOUBLE':
      return new Float64Array(count);
    case undefined:
      throw new ParquetError(`column ${node.name} has no type`);
    default:
      return [];
  }
}

/** Bytes of a value of fixed width that is read as bytes, else 0. */
function width(node: ParquetNode): number {
  switch (node.physical) {
    case 'INT32':
    case 'FLOAT':
      return 4;
    case 'INT64':
    case 'DOUBLE':
      return 8;
    case 'INT96':
      return 12;
    case 'FIXED_LEN_BYTE_ARRAY':
      if (node.typeLength <= 0) throw new ParquetError(`column ${node.name} has no length`);
      return node.typeLength;
    default:
      return 0;
  }
}

function bitWidth(max: number): number {
  return 32 - Math.clz32(max);
}

function int(value: ThriftValue): number {
  if (typeof value !== 'number' || value < 0 || value > pageBytesMax) {
    throw new ParquetError('a page header is damaged');
  }
  return value;
}

function struct(value: ThriftValue): ThriftValue[] {
  if (!Array.isArray(value)) throw new ParquetError('a page header is damaged');
  return value;
}

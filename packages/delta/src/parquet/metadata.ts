import { ByteReader, ParquetError, readStruct, type ThriftValue } from './thrift.js';

/** What of a Parquet file's footer a reader needs. Statistics are left where they are: Delta's log has its own. */
export interface ParquetMetadata {
  readonly schema: ParquetNode;
  readonly rowCount: number;
  readonly rowGroups: readonly RowGroup[];
}

export interface RowGroup {
  readonly rowCount: number;
  /** In the order of the schema's leaves. */
  readonly columns: readonly ColumnChunk[];
}

export interface ColumnChunk {
  readonly codec: Codec;
  /** Including nulls; for nested columns the number of levels. */
  readonly valueCount: number;
  /** Bytes of the file that hold the chunk's pages. */
  readonly start: number;
  readonly end: number;
}

/** More values than this in one column of one row group are taken for damage. */
export const valuesPerChunkMax = 1 << 27;

export type PhysicalType =
  | 'BOOLEAN'
  | 'INT32'
  | 'INT64'
  | 'INT96'
  | 'FLOAT'
  | 'DOUBLE'
  | 'BYTE_ARRAY'
  | 'FIXED_LEN_BYTE_ARRAY';

export type Codec = 'UNCOMPRESSED' | 'SNAPPY' | 'GZIP' | 'LZO' | 'BROTLI' | 'LZ4' | 'ZSTD' | 'LZ4_RAW';

export type TimeUnit = 'MILLIS' | 'MICROS' | 'NANOS';

/** An element of the schema with its place in the tree. */
export interface ParquetNode {
  readonly name: string;
  readonly repetition: 'REQUIRED' | 'OPTIONAL' | 'REPEATED';
  readonly fieldId: number | undefined;
  readonly children: readonly ParquetNode[];
  /** Levels at this node, itself included. */
  readonly maxDefinition: number;
  readonly maxRepetition: number;
  /** Leaves only: which column chunk of each row group. */
  readonly leaf: number | undefined;
  readonly physical: PhysicalType | undefined;
  readonly typeLength: number;
  readonly convertedType: number | undefined;
  readonly annotation: 'list' | 'map' | 'decimal' | 'timestamp' | 'date' | 'string' | 'unsigned' | undefined;
  readonly scale: number;
  readonly timeUnit: TimeUnit | undefined;
}

/** Parses the footer's thrift bytes (without length and magic). @throws ParquetError */
export function parseMetadata(bytes: Uint8Array, fileSize: number): ParquetMetadata {
  const root = readStruct(new ByteReader(bytes));
  const elements = structs(root[2], 'schema');
  const builder = new TreeBuilder(elements);
  const schema = builder.node(undefined, 0);
  if (builder.next !== elements.length)
    throw new ParquetError('the schema has elements that belong to nothing');
  const rowGroups = structs(root[4], 'row groups').map((group) =>
    parseRowGroup(group, builder.leaves, fileSize),
  );
  return { schema, rowCount: count(root[3], 'row count'), rowGroups };
}

const PHYSICAL: readonly PhysicalType[] = [
  'BOOLEAN',
  'INT32',
  'INT64',
  'INT96',
  'FLOAT',
  'DOUBLE',
  'BYTE_ARRAY',
  'FIXED_LEN_BYTE_ARRAY',
];
const CODECS: readonly Codec[] = [
  'UNCOMPRESSED',
  'SNAPPY',
  'GZIP',
  'LZO',
  'BROTLI',
  'LZ4',
  'ZSTD',
  'LZ4_RAW',
];
const text = new TextDecoder();

function parseRowGroup(group: ThriftValue[], leaves: number, fileSize: number): RowGroup {
  const columns = structs(group[1], 'columns').map((chunk) => parseColumnChunk(chunk, fileSize));
  if (columns.length !== leaves) throw new ParquetError('a row group lacks columns');
  const rowCount = count(group[3], 'row count');
  if (rowCount > valuesPerChunkMax) throw new ParquetError(`a row group of ${rowCount} rows`);
  return { rowCount, columns };
}

function parseColumnChunk(chunk: ThriftValue[], fileSize: number): ColumnChunk {
  const meta = chunk[3];
  if (chunk[1] !== undefined) throw new ParquetError('columns in other files are not supported');
  if (!Array.isArray(meta))
    throw new ParquetError('a column has no metadata; encrypted files are not supported');
  const dataStart = count(meta[9], 'page offset');
  const dictionaryStart = meta[11] === undefined ? 0 : count(meta[11], 'page offset');
  const start = dictionaryStart > 0 && dictionaryStart < dataStart ? dictionaryStart : dataStart;
  const end = start + count(meta[7], 'column size');
  if (end > fileSize) throw new ParquetError('a column reaches past the end of the file');
  const codec = CODECS[meta[4] as number];
  if (codec === undefined) throw new ParquetError('the compression is unknown');
  return { codec, valueCount: count(meta[5], 'value count'), start, end };
}

class TreeBuilder {
  next = 0;
  leaves = 0;

  constructor(readonly elements: ThriftValue[][]) {}

  node(parent: { maxDefinition: number; maxRepetition: number } | undefined, depth: number): ParquetNode {
    const element = this.elements[this.next++];
    if (element === undefined) throw new ParquetError('the schema ends too early');
    if (depth > 100) throw new ParquetError('the schema is nested too deeply');
    const repetition = parent
      ? (['REQUIRED', 'OPTIONAL', 'REPEATED'] as const)[element[3] as number]
      : 'REQUIRED';
    if (repetition === undefined) throw new ParquetError('a column has no repetition type');
    const levels = {
      maxDefinition: (parent?.maxDefinition ?? 0) + (repetition === 'REQUIRED' ? 0 : 1),
      maxRepetition: (parent?.maxRepetition ?? 0) + (repetition === 'REPEATED' ? 1 : 0),
    };
    const childCount = element[5] === undefined ? 0 : count(element[5], 'child count');
    const isLeaf = parent !== undefined && element[1] !== undefined;
    const leaf = isLeaf ? this.leaves++ : undefined;
    const children: ParquetNode[] = [];
    for (let i = 0; i < childCount; i++) children.push(this.node(levels, depth + 1));
    if (isLeaf && children.length > 0) throw new ParquetError('a column is both a value and a group');
    const name = element[4];
    return {
      name: name instanceof Uint8Array ? text.decode(name) : '',
      repetition,
      fieldId: typeof element[9] === 'number' ? element[9] : undefined,
      children,
      ...levels,
      leaf,
      physical: isLeaf ? PHYSICAL[element[1] as number] : undefined,
      typeLength: typeof element[2] === 'number' ? element[2] : 0,
      convertedType: typeof element[6] === 'number' ? element[6] : undefined,
      ...logicalType(element),
    };
  }
}

/** Logical types where the file has them, else the older converted types (Parquet's LogicalTypes.md). */
function logicalType(element: ThriftValue[]): Pick<ParquetNode, 'annotation' | 'scale' | 'timeUnit'> {
  const logical = Array.isArray(element[10]) ? element[10] : [];
  const converted = element[6];
  const scale = typeof element[7] === 'number' ? element[7] : 0;
  const none = { scale: 0, timeUnit: undefined };
  if (Array.isArray(logical[5]) || converted === 5) {
    const own = Array.isArray(logical[5]) ? logical[5][1] : undefined;
    const s = typeof own === 'number' ? own : scale;
    if (s < 0 || s > 38) throw new ParquetError(`a decimal has the scale ${s}`);
    return { annotation: 'decimal', scale: s, timeUnit: undefined };
  }
  if (Array.isArray(logical[8])) {
    const unit = logical[8][2];
    const timeUnit = !Array.isArray(unit) ? undefined : unit[1] ? 'MILLIS' : unit[2] ? 'MICROS' : 'NANOS';
    return { annotation: 'timestamp', scale: 0, timeUnit: timeUnit ?? 'MICROS' };
  }
  if (converted === 9 || converted === 10) {
    return { annotation: 'timestamp', scale: 0, timeUnit: converted === 9 ? 'MILLIS' : 'MICROS' };
  }
  if (logical[6] || converted === 6) return { annotation: 'date', ...none };
  if (logical[1] || converted === 0) return { annotation: 'string', ...none };
  if (logical[2] || converted === 1 || converted === 2) return { annotation: 'map', ...none };
  if (logical[3] || converted === 3) return { annotation: 'list', ...none };
  const unsigned = Array.isArray(logical[10]) ? logical[10][2] === false : isUnsigned(converted);
  return { annotation: unsigned ? 'unsigned' : undefined, ...none };
}

function isUnsigned(converted: ThriftValue): boolean {
  return typeof converted === 'number' && converted >= 11 && converted <= 14;
}
function structs(value: ThriftValue, what: string): ThriftValue[][] {
  if (!Array.isArray(value)) throw new ParquetError(`the footer has no ${what}`);
  for (const v of value) if (!Array.isArray(v)) throw new ParquetError(`the footer's ${what} are malformed`);
  return value as ThriftValue[][];
}

function count(value: ThriftValue, what: string): number {
  const n = typeof value === 'bigint' ? Number(value) : value;
  if (typeof n !== 'number' || !Number.isSafeInteger(n) || n < 0) {
    throw new ParquetError(`the footer has an impossible ${what}`);
  }
  return n;
}

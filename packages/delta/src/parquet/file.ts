import { DeltaError } from '../errors.js';
import { type Store, StoreError } from '../store.js';
import { assemble, type Vector } from './assemble.js';
import { type LeafData, readLeaf } from './column.js';
import type { LeafConversion } from './convert.js';
import {
  type ColumnChunk,
  type ParquetMetadata,
  type ParquetNode,
  parseMetadata,
  type RowGroup,
} from './metadata.js';
import { leavesOf, type ReadPlan } from './plan.js';
import { ParquetError } from './thrift.js';

/** Bytes of an open file, from a store or from memory. */
export interface ParquetSource {
  /** For messages: which file. */
  readonly name: string;
  readonly sizeBytes: number;
  read(start: number, end: number): Promise<Uint8Array>;
}

/** Where a file is no larger than this, it is read with one request. */
const wholeFileBytesMax = 1 << 20;
/** Bytes of the end of a larger file that are read in the hope that they hold the footer. */
const tailBytes = 1 << 16;
const footerBytesMax = 1 << 28;
/** Columns that are no further apart than this are read together. */
const gapBytesMax = 1 << 17;
const readBytesMax = 1 << 26;

/** An object of a store as a source; small ones are read whole, once. */
export async function sourceOf(store: Store, path: string, sizeBytes: number): Promise<ParquetSource> {
  if (sizeBytes > wholeFileBytesMax) {
    return { name: path, sizeBytes, read: (start, end) => store.get(path, { start, end }) };
  }
  return memorySource(path, await store.get(path));
}

export function memorySource(name: string, bytes: Uint8Array): ParquetSource {
  return { name, sizeBytes: bytes.length, read: async (start, end) => bytes.subarray(start, end) };
}

/** A Parquet file whose footer has been read. */
export class ParquetFile {
  private constructor(
    readonly source: ParquetSource,
    readonly metadata: ParquetMetadata,
  ) {}

  /** @throws DeltaError of kind `corrupt`, naming the file, where it is no Parquet file that can be read. */
  static open(source: ParquetSource): Promise<ParquetFile> {
    return naming(source.name, async () => new ParquetFile(source, await readFooter(source)));
  }

  get schema(): ParquetNode {
    return this.metadata.schema;
  }

  /** The columns of one row group, in the order of the plans. @throws DeltaError of kind `corrupt` */
  readRowGroup(index: number, plans: readonly ReadPlan[]): Promise<Vector[]> {
    return naming(this.source.name, async () => {
      const group = this.metadata.rowGroups[index];
      if (group === undefined) throw new ParquetError(`there is no row group ${index}`);
      const leaves = await this.readLeaves(group, plans);
      return plans.map((plan) => assemble(plan, leaves, group.rowCount));
    });
  }

  private async readLeaves(group: RowGroup, plans: readonly ReadPlan[]): Promise<Map<ParquetNode, LeafData>> {
    const wanted = new Map<ParquetNode, LeafConversion | undefined>();
    for (const plan of plans) leavesOf(plan, wanted);
    const chunks = [...wanted].map(([node, conversion]) => ({
      node,
      conversion,
      chunk: group.columns[node.leaf as number] as ColumnChunk,
    }));
    chunks.sort((a, b) => a.chunk.start - b.chunk.start);
    const leaves = new Map<ParquetNode, LeafData>();
    let next = 0;
    while (next < chunks.length) {
      const first = chunks[next] as (typeof chunks)[number];
      let { end } = first.chunk;
      let last = next;
      for (let i = next + 1; i < chunks.length; i++) {
        const { chunk } = chunks[i] as (typeof chunks)[number];
        if (chunk.start > end + gapBytesMax || chunk.end - first.chunk.start > readBytesMax) break;
        end = Math.max(end, chunk.end);
        last = i;
      }
      const bytes = await this.source.read(first.chunk.start, end);
      for (; next <= last; next++) {
        const { node, conversion, chunk } = chunks[next] as (typeof chunks)[number];
        const own = bytes.subarray(chunk.start - first.chunk.start, chunk.end - first.chunk.start);
        leaves.set(node, readLeaf(own, chunk, node, conversion?.fromBytes ?? nothing));
      }
    }
    return leaves;
  }
}

function nothing(): null {
  return null;
}

async function readFooter(source: ParquetSource): Promise<ParquetMetadata> {
  const { sizeBytes } = source;
  if (sizeBytes < 12) throw new ParquetError('the file is too short');
  const tailStart = Math.max(0, sizeBytes - tailBytes);
  const tail = await source.read(tailStart, sizeBytes);
  if (tail.length < 8 || magic(tail) !== 'PAR1')
    throw new ParquetError('the file does not end like a Parquet file');
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  const length = view.getUint32(tail.length - 8, true);
  if (length > sizeBytes - 8 || length > footerBytesMax)
    throw new ParquetError(`a footer of ${length} bytes`);
  const start = sizeBytes - 8 - length;
  const footer =
    start >= tailStart
      ? tail.subarray(start - tailStart, tail.length - 8)
      : await source.read(start, sizeBytes - 8);
  return parseMetadata(footer, sizeBytes);
}

function magic(tail: Uint8Array): string {
  return String.fromCharCode(...tail.subarray(tail.length - 4));
}

/** Whatever goes wrong inside of a file says which file it was. */
async function naming<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreError) throw error;
    if (error instanceof DeltaError) {
      throw new DeltaError(error.kind, error.message, { ...error.where, file: name }, error.hint, {
        cause: error,
      });
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new DeltaError(
      'corrupt',
      `${name}: ${reason}`,
      { file: name },
      'The file is damaged or is no Parquet file; restore it, or remove it from the table.',
      { cause: error },
    );
  }
}

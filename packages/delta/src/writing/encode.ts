import * as zlib from 'node:zlib';
import type { CompressionCodec } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { parquetSchemaOf } from '../checkpoint/parquet-schema.js';
import type { StructField } from '../schema.js';

/** Rows of a row group: what a reader decodes at once. */
const rowGroupRows = 100_000;

/** Compression of new files: `delta.parquet.compression.codec`, as far as Node has it, else snappy. */
export function codecOf(properties: Readonly<Record<string, string>>): CompressionCodec {
  const wanted = properties['delta.parquet.compression.codec']?.toUpperCase();
  if (wanted === 'UNCOMPRESSED' || wanted === 'NONE') return 'UNCOMPRESSED';
  return wanted === 'GZIP' || (wanted === 'ZSTD' && zstd) ? wanted : 'SNAPPY';
}

/** From Node 22.15 on. */
const zstd = (zlib as { zstdCompressSync?: (bytes: Uint8Array) => Uint8Array }).zstdCompressSync;

const compressors: NonNullable<Parameters<typeof parquetWriteBuffer>[0]['compressors']> = {
  GZIP: (bytes) => zlib.gzipSync(bytes),
  ...(zstd && { ZSTD: (bytes: Uint8Array) => zstd(bytes) }),
};

/**
 * A Parquet file of some columns.
 * @param columns values by column, as `parquet/convert.ts` has them, null for NULL; all of the same length
 */
export function encodeParquet(
  fields: readonly StructField[],
  columns: readonly unknown[][],
  codec: CompressionCodec = 'SNAPPY',
): Uint8Array {
  const stored = fields.map((field, i) => ({ ...field, data: columns[i] as unknown[] }));
  const buffer = parquetWriteBuffer({
    schema: parquetSchemaOf({ type: 'struct', fields: [...fields] }),
    columnData: stored
      .filter(({ type }) => type !== 'void')
      .map(({ name, type, data }) => ({
        name,
        data,
        // The writer's dictionary does not tell 0 and -0 apart.
        ...((type === 'float' || type === 'double') && { encoding: 'PLAIN' as const }),
      })),
    codec,
    compressors,
    rowGroupSize: rowGroupRows,
    createdBy: '@eventlake/delta',
  });
  return new Uint8Array(buffer);
}

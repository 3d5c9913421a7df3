import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { writeColumn } from 'hyparquet-writer/src/column.js';
import type { StructType } from '../schema.js';
import { parquetSchemaOf } from './parquet-schema.js';
import type { LeafColumn } from './shred.js';

const PAGE_BYTES = 1 << 20;

/**
 * A Parquet file of column chunks that are shredded already. `ParquetWriter.write` takes rows as objects and shreds
 * them itself, leaf by leaf; for 100,000 files that is most of its time and memory.
 */
export class ParquetFileWriter {
  private readonly writer = new ByteWriter();
  private readonly parquet: ParquetWriter;

  constructor(schema: StructType) {
    this.parquet = new ParquetWriter({ writer: this.writer, schema: parquetSchemaOf(schema) });
  }

  writeRowGroup({ rowCount, leaves }: { rowCount: number; leaves: readonly LeafColumn[] }): void {
    const { parquet, writer } = this;
    const start = writer.offset;
    const columns = leaves.map((leaf) => this.writeChunk(leaf));
    const bytes = columns.reduce(
      (total, { meta_data }) => total + (meta_data?.total_uncompressed_size ?? 0n),
      0n,
    );
    parquet.num_rows += BigInt(rowCount);
    parquet.row_groups.push({
      columns,
      total_byte_size: bytes,
      num_rows: BigInt(rowCount),
      total_compressed_size: BigInt(writer.offset - start),
    });
  }

  finish(): Uint8Array {
    this.parquet.finish();
    return this.writer.getBytes();
  }

  private writeChunk({ schemaPath, maxDefinition, values, definition, repetition }: LeafColumn) {
    const { codec, compressors } = this.parquet;
    const column = {
      columnName: schemaPath.map(({ name }) => name).join('.'),
      element: schemaPath.at(-1)!,
      schemaPath,
      codec,
      compressors,
      stats: false,
      pageSize: PAGE_BYTES,
      columnIndex: false,
      offsetIndex: false,
    };
    const pageData = {
      values,
      definitionLevels: definition,
      repetitionLevels: repetition,
      maxDefinitionLevel: maxDefinition,
    };
    return writeColumn({ writer: this.writer, column, pageData }).chunk;
  }
}

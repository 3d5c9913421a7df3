import { randomUUID } from 'node:crypto';
import type { AddFile } from '../actions.js';
import type { Snapshot } from '../contract.js';
import { encodeDataPath } from '../log/paths.js';
import { isOn } from '../properties.js';
import { formatPartitionValue } from '../rows/partition-values.js';
import type { StructField } from '../schema.js';
import type { Store } from '../store.js';
import { codecOf, encodeParquet } from './encode.js';
import { indexedColumns, statsJson } from './stats.js';

export interface FileLimits {
  /** A file is written when it has so many rows … */
  rowsPerFileMax: number;
  /** … or when its values take about so many bytes. */
  bytesPerFileMax: number;
  /** Values of all partitions together that wait to be written; the largest partition goes first. */
  bytesBufferedMax: number;
}

const fileLimitsDefault: FileLimits = {
  rowsPerFileMax: 1_000_000,
  bytesPerFileMax: 128 * 2 ** 20,
  bytesBufferedMax: 256 * 2 ** 20,
};

/** What of a table its new files depend on. */
export type FileSchema = Pick<Snapshot, 'schema' | 'partitionColumns' | 'metadata'>;

/**
 * Turns rows into data files, one partition's rows per file. What it has written is not part of the table until its
 * actions are committed; where they never are, vacuum removes the files.
 */
export class FileWriter {
  /** Rows that were added so far. */
  rowCount = 0;
  private readonly partitions = new Map<string, Buffered>();
  private readonly files: AddFile[] = [];
  private readonly dataFields: readonly StructField[];
  private readonly dataIndexes: readonly number[];
  private readonly partitionIndexes: readonly number[];
  private bytesBuffered = 0;

  constructor(
    private readonly store: Store,
    private readonly table: string,
    private readonly of: FileSchema,
    private readonly nowMs: () => number,
    private readonly limits: FileLimits = fileLimitsDefault,
    /** Below the table, ending with `/`. */
    private readonly folder = '',
  ) {
    const { fields } = of.schema;
    const indexes = fields.map((_, i) => i);
    const isPartition = (i: number): boolean => of.partitionColumns.includes((fields[i] as StructField).name);
    this.dataIndexes = indexes.filter((i) => !isPartition(i));
    this.dataFields = this.dataIndexes.map((i) => fields[i] as StructField);
    this.partitionIndexes = of.partitionColumns.map((name) =>
      fields.findIndex((field) => field.name === name),
    );
  }

  /** @param row values in the order of the schema, as `parquet/convert.ts` has them. Await what it returns, if anything. */
  add(row: readonly unknown[]): Promise<void> | undefined {
    const partition = this.partitionOf(row);
    let bytes = 0;
    for (const [c, i] of this.dataIndexes.entries()) {
      const value = row[i];
      (partition.columns[c] as unknown[]).push(value);
      bytes += sizeOf(value);
    }
    partition.rowCount++;
    partition.bytes += bytes;
    this.rowCount++;
    this.bytesBuffered += bytes;
    if (partition.rowCount >= this.limits.rowsPerFileMax || partition.bytes >= this.limits.bytesPerFileMax) {
      return this.write(partition);
    }
    return this.bytesBuffered >= this.limits.bytesBufferedMax ? this.write(this.largest()) : undefined;
  }

  /** Writes what is left. @returns the actions of all files, for a commit */
  async finish(): Promise<AddFile[]> {
    for (const partition of [...this.partitions.values()]) await this.write(partition);
    return this.files;
  }

  private partitionOf(row: readonly unknown[]): Buffered {
    const values = this.partitionIndexes.map((i) =>
      formatPartitionValue(row[i], (this.of.schema.fields[i] as StructField).type),
    );
    const key = values.length === 0 ? '' : JSON.stringify(values);
    let partition = this.partitions.get(key);
    if (partition === undefined) {
      partition = { key, values, columns: this.dataFields.map(() => []), rowCount: 0, bytes: 0 };
      this.partitions.set(key, partition);
    }
    return partition;
  }

  private largest(): Buffered {
    return [...this.partitions.values()].reduce((a, b) => (b.bytes > a.bytes ? b : a));
  }

  private async write(partition: Buffered): Promise<void> {
    this.partitions.delete(partition.key);
    this.bytesBuffered -= partition.bytes;
    if (partition.rowCount === 0) return;
    const properties = this.of.metadata.configuration;
    const codec = codecOf(properties);
    const bytes = encodeParquet(this.dataFields, partition.columns, codec);
    const stats = statsJson(this.dataFields, partition.columns, partition.rowCount, {
      indexed: indexedColumns(properties),
      tight: isOn(properties, 'delta.enableDeletionVectors'),
    });
    const name = `part-${randomUUID()}.${codec.toLowerCase()}.parquet`;
    const path = `${this.folder}${folderOf(this.of.partitionColumns, partition.values)}${name}`;
    await this.store.put(this.table === '' ? path : `${this.table}/${path}`, bytes);
    this.files.push({
      path: encodeDataPath(path),
      partitionValues: Object.fromEntries(
        this.of.partitionColumns.map((name, i) => [name, partition.values[i] ?? null]),
      ),
      size: bytes.length,
      modificationTime: this.nowMs(),
      dataChange: true,
      stats,
    });
  }
}

/** Rows of one partition that wait for their file. */
interface Buffered {
  key: string;
  values: (string | null)[];
  columns: unknown[][];
  rowCount: number;
  bytes: number;
}

/** About what a value takes in memory and in the file, before compression. */
function sizeOf(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return value.length + 4;
    case 'object':
      return nestedSize(value);
    default:
      return 8;
  }
}

function nestedSize(value: object | null): number {
  if (value === null) return 1;
  if (value instanceof Uint8Array) return value.length + 4;
  const items = Array.isArray(value)
    ? value
    : value instanceof Map
      ? [...value.keys(), ...value.values()]
      : Object.values(value);
  return items.reduce((size: number, item) => size + sizeOf(item), 8);
}

const segmentLengthMax = 200;

/**
 * Folders as Hive has them, `day=2024-05-31/`, which other tools like to see; the log alone says what is in a file.
 * None where a name would be too long for a file system.
 */
function folderOf(columns: readonly string[], values: readonly (string | null)[]): string {
  const segments = columns.map((column, i) => `${escapeHive(column)}=${hiveValue(values[i] ?? null)}`);
  if (segments.some((segment) => Buffer.byteLength(segment) > segmentLengthMax)) return '';
  return segments.map((segment) => `${segment}/`).join('');
}

function hiveValue(value: string | null): string {
  return value === null || value === '' ? '__HIVE_DEFAULT_PARTITION__' : escapeHive(value);
}

/** Hive's own list of characters, and what stores and file systems do not take. */
function escapeHive(text: string): string {
  return text.replace(/[\p{Cc}"#%'*/:=?\\{[\]^<>|]/gu, (char) => {
    return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
}

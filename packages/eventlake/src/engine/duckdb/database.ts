import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBListValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import { duckdbMacros } from '../../schema/macros.js';
import { exactNumber, isoMicros } from '../values.js';

export interface DatabaseOptions {
  memoryMb: number;
  threads: number;
  /** Where it spills. */
  tempDir: string;
}

/**
 * The allocator gives back what a query has freed. By default each thread keeps up to 128 MB for the next one, and the memory
 * limit does not see it.
 */
const GIVE_BACK = [
  'allocator_background_threads = true',
  "allocator_flush_threshold = '16MB'",
  "allocator_bulk_deallocation_flush_threshold = '8MB'",
];

/**
 * A write by partitions gathers so many rows a thread before they go to the partitions' files. By default it is eight times as
 * many: 300 bytes of memory for each of a million rows, for the same row groups.
 */
const PARTITIONED_ROWS = 65_536;

/** One DuckDB for the process; it holds nothing that outlives it. */
export async function openDatabase(options: DatabaseOptions): Promise<DuckDBInstance> {
  const database = await DuckDBInstance.create(':memory:', {
    memory_limit: `${options.memoryMb}MiB`,
    threads: String(options.threads),
    temp_directory: options.tempDir,
    // Nothing is ever loaded from the network: what is needed is built in.
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    // It keeps what was read of every file, up to the memory limit; the files lie on this machine, and the system has them.
    enable_external_file_cache: 'false',
  });
  const connection = await database.connect();
  try {
    await connection.run("SET GLOBAL TimeZone = 'UTC'");
    await connection.run(`SET GLOBAL partitioned_write_flush_threshold = ${PARTITIONED_ROWS}`);
    for (const setting of GIVE_BACK) await connection.run(`SET GLOBAL ${setting}`);
    for (const macro of duckdbMacros) await connection.run(macro);
  } finally {
    connection.disconnectSync();
  }
  return database;
}

/**
 * A value as the engine's contract has it: whole numbers as number where exact, timestamps as ISO 8601 in UTC with
 * microseconds, dates as ISO 8601, bytes as Uint8Array.
 */
export function toJs(value: DuckDBValue): unknown {
  if (typeof value === 'bigint') return exactNumber(value);
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof DuckDBTimestampTZValue || value instanceof DuckDBTimestampValue) {
    return isoMicros(value.micros);
  }
  if (value instanceof DuckDBDateValue) return value.toString();
  if (value instanceof DuckDBDecimalValue) return value.toDouble();
  if (value instanceof DuckDBBlobValue) return new Uint8Array(value.bytes);
  if (value instanceof DuckDBListValue) return value.items.map(toJs);
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(Object.entries(value.entries).map(([name, entry]) => [name, toJs(entry)]));
  }
  return value.toString();
}

import {
  type Batch,
  binary,
  type Column,
  type DataType,
  int32,
  int64,
  Type,
  tableFromArrays,
  tableFromIPC,
  tableToIPC,
  utf8,
} from '@uwdata/flechette';
import { EventlakeError } from '../../errors.js';
import { exactNumber, isoMicros } from '../values.js';

/** The rows of one block (an Arrow IPC stream) as objects, with values as the engine's contract has them. */
export function rowsOf(block: Uint8Array): Record<string, unknown>[] {
  const table = tableOf(block);
  const names = table.names.map(String);
  const columns = table.children.map(valuesOf);
  return Array.from({ length: table.numRows }, (_, i) =>
    Object.fromEntries(names.map((name, at) => [name, columns[at]![i]])),
  );
}

/** The values of a block's one BIGINT column, which holds no null. */
export function longsOf(block: Uint8Array): BigInt64Array[] {
  const { children } = tableOf(block);
  const [column] = children;
  if (children.length !== 1 || column?.type.typeId !== Type.Int || column.type.bitWidth !== 64) {
    throw new EventlakeError('invalid', 'Not one BIGINT column');
  }
  return column.data.map(({ values, length }) => (values as BigInt64Array).subarray(0, length));
}

/** Its arrays are views, which begin at multiples of their width: a block somewhere within a message has to be moved. */
function tableOf(block: Uint8Array) {
  return tableFromIPC(block.byteOffset % 8 === 0 ? block : new Uint8Array(block), { useBigInt: true });
}

export interface ParsedRows {
  log_partition: number[];
  log_offset: bigint[];
  log_us: bigint[];
  raw: (Uint8Array | null)[];
  /** All other columns, texts. */
  [text: string]: (string | null)[] | number[] | bigint[] | (Uint8Array | null)[];
}

/** Records that were parsed here, as an Arrow IPC stream for Spark. */
export function encodeRows(rows: ParsedRows): Uint8Array {
  const types = Object.fromEntries(
    Object.keys(rows).map((name): [string, DataType] => [name, TYPES[name] ?? utf8()]),
  );
  return tableToIPC(tableFromArrays(rows, { types }), { format: 'stream' })!;
}

const TYPES: Record<string, DataType> = {
  log_partition: int32(),
  log_offset: int64(),
  log_us: int64(),
  raw: binary(),
};

function valuesOf(column: Column<unknown>): unknown[] {
  return column.data.flatMap((batch) => Array.from({ length: batch.length }, (_, i) => valueAt(batch, i)));
}

function valueAt(batch: Batch<unknown>, i: number): unknown {
  if (!batch.isValid(i)) return null;
  switch (batch.type.typeId) {
    case Type.Timestamp:
      return isoMicros((batch.values as BigInt64Array)[i]!);
    case Type.Date:
      return isoMicros(BigInt((batch.values as Int32Array)[i]!) * DAY_US).slice(0, 10);
    case Type.Binary:
      return new Uint8Array(batch.at(i) as Uint8Array);
    case Type.Decimal:
      return decimal(batch.at(i) as bigint, batch.type.scale);
    default:
      return exactly(batch.at(i));
  }
}

const DAY_US = 86_400_000_000n;

function exactly(value: unknown): unknown {
  return typeof value === 'bigint' ? exactNumber(value) : value;
}

/** A number, as for DuckDB: exact decimals are not what queries of this project return. */
function decimal(unscaled: bigint, scale: number): number {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const point = digits.length - scale;
  return Number(`${unscaled < 0n ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`);
}

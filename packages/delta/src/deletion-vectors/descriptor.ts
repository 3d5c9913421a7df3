import { randomUUID } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { DeletionVectorDescriptor } from '../actions.js';
import { DeltaError } from '../errors.js';
import { dataFilePath, encodeDataPath } from '../log/paths.js';
import type { Store } from '../store.js';
import { readRoaring, writeRoaring } from './roaring.js';
import type { RowSet } from './row-set.js';
import { decodeZ85, encodeZ85 } from './z85.js';

/** A vector of more bytes than this is taken for damage: no file has that many rows. */
const vectorBytesMax = 1 << 28;
/** Up to here a vector stands in the log itself. */
const inlineBytesMax = 512;
const formatVersion = 1;

/**
 * The deleted rows of one file, by the protocol's section "Deletion Vectors": inline (`i`), in a file whose name is
 * derived (`u`) or at an absolute path (`p`).
 * @param rowCount rows of the data file
 * @throws DeltaError of kind `corrupt`, naming the vector's file
 */
export async function readDeletionVector(
  store: Store,
  tablePath: string,
  descriptor: DeletionVectorDescriptor,
  rowCount: number,
): Promise<RowSet> {
  const { storageType, sizeInBytes } = descriptor;
  const whole = Number.isSafeInteger(sizeInBytes) && sizeInBytes > 0 && sizeInBytes <= vectorBytesMax;
  if (!whole) throw corrupt(`it claims ${sizeInBytes} bytes`, 'inline');
  const file = storageType === 'i' ? undefined : deletionVectorPath(store, tablePath, descriptor);
  const bytes =
    file === undefined
      ? inlineBytes(descriptor)
      : await storedBytes(store, file, descriptor.offset ?? 0, sizeInBytes);
  const rows = readRoaring(bytes, rowCount);
  if (rows.size !== descriptor.cardinality) {
    throw corrupt(
      `it deletes ${rows.size} rows, and the log says ${descriptor.cardinality}`,
      file ?? 'inline',
    );
  }
  return rows;
}

/** Where a vector lies, relative to the store's root. */
export function deletionVectorPath(
  store: Store,
  tablePath: string,
  descriptor: DeletionVectorDescriptor,
): string {
  const { storageType, pathOrInlineDv } = descriptor;
  if (storageType === 'p') return dataFilePath(store.url, tablePath, pathOrInlineDv);
  if (storageType !== 'u') {
    throw new DeltaError(
      'unsupported',
      `deletion vectors of the storage type ${JSON.stringify(storageType)} are not known`,
    );
  }
  const prefix = pathOrInlineDv.slice(0, -20);
  const hex = Buffer.from(decodeZ85(pathOrInlineDv.slice(-20))).toString('hex');
  const uuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return dataFilePath(
    store.url,
    tablePath,
    encodeDataPath(`${prefix ? `${prefix}/` : ''}deletion_vector_${uuid}.bin`),
  );
}

/** Small vectors go into the log, others into one new file for all: its writes are done when this returns. */
export async function writeDeletionVectors(
  store: Store,
  tablePath: string,
  vectors: readonly RowSet[],
): Promise<DeletionVectorDescriptor[]> {
  const uuid = randomUUID();
  const parts: Uint8Array[] = [Uint8Array.of(formatVersion)];
  let offset = 1;
  const descriptors = vectors.map((rows): DeletionVectorDescriptor => {
    const bytes = writeRoaring(rows);
    const common = { sizeInBytes: bytes.length, cardinality: rows.size };
    if (bytes.length <= inlineBytesMax) {
      return { storageType: 'i', pathOrInlineDv: encodeZ85(bytes), ...common };
    }
    const descriptor: DeletionVectorDescriptor = {
      storageType: 'u',
      pathOrInlineDv: encodeUuid(uuid),
      offset,
      ...common,
    };
    parts.push(bigEndian(bytes.length), bytes, bigEndian(crc32(bytes)));
    offset += bytes.length + 8;
    return descriptor;
  });
  if (parts.length > 1) await store.put(join(tablePath, `deletion_vector_${uuid}.bin`), Buffer.concat(parts));
  return descriptors;
}

function inlineBytes({ pathOrInlineDv, sizeInBytes }: DeletionVectorDescriptor): Uint8Array {
  const bytes = decodeZ85(pathOrInlineDv);
  if (bytes.length < sizeInBytes || bytes.length > sizeInBytes + 3) {
    throw corrupt(`it has ${bytes.length} bytes, and the log says ${sizeInBytes}`, 'inline');
  }
  return bytes.subarray(0, sizeInBytes);
}

/** Size, data, CRC-32, both numbers big-endian: the protocol's section "Deletion Vector File Storage Format". */
async function storedBytes(store: Store, file: string, offset: number, size: number): Promise<Uint8Array> {
  const stored = await store.get(file, { start: offset, end: offset + size + 8 });
  if (stored.length !== size + 8) throw corrupt('it is cut off', file);
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  if (view.getUint32(0) !== size)
    throw corrupt(`it has ${view.getUint32(0)} bytes, and the log says ${size}`, file);
  const data = stored.subarray(4, size + 4);
  if (crc32(data) !== view.getUint32(size + 4)) throw corrupt('its checksum does not match', file);
  return data;
}

function encodeUuid(uuid: string): string {
  return encodeZ85(Buffer.from(uuid.replaceAll('-', ''), 'hex'));
}

function bigEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function join(tablePath: string, name: string): string {
  return tablePath === '' ? name : `${tablePath}/${name}`;
}

function corrupt(reason: string, file: string): DeltaError {
  return new DeltaError(
    'corrupt',
    `the deletion vector ${file} is damaged: ${reason}`,
    { file },
    'Without it the deleted rows are not known; restore it from a copy.',
  );
}

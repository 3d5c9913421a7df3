import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readDeletionVector, writeDeletionVectors } from '../src/deletion-vectors/descriptor.js';
import { writeRoaring } from '../src/deletion-vectors/roaring.js';
import { RowSet } from '../src/deletion-vectors/row-set.js';
import type { DeletionVectorDescriptor } from '../src/index.js';
import { localStore, memoryStore, type Store } from '../src/index.js';
import { tempFolder } from './support/temp.js';

const ROWS = Array.from({ length: 3000 }, (_, i) => i * 7);
const DATA = writeRoaring(RowSet.of(ROWS));
/** The protocol's example 1: `ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin`. */
const EXAMPLE = { storageType: 'u', pathOrInlineDv: 'ab^-aqEH.-t@S}K{vb[*k^', offset: 4 } as const;
const EXAMPLE_FILE = 'ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin';

function vectorFile(data: Uint8Array, offset: number): Uint8Array {
  const bytes = new Uint8Array(offset + data.length + 8);
  const view = new DataView(bytes.buffer);
  bytes[0] = 1;
  view.setUint32(offset, data.length);
  bytes.set(data, offset + 4);
  view.setUint32(offset + 4 + data.length, crc32(data));
  return bytes;
}

const descriptor = (over: Partial<DeletionVectorDescriptor> = {}): DeletionVectorDescriptor => ({
  ...EXAMPLE,
  sizeInBytes: DATA.length,
  cardinality: ROWS.length,
  ...over,
});

async function read(store: Store, of: DeletionVectorDescriptor, rowCount = 30_000): Promise<number[]> {
  return [...(await readDeletionVector(store, 't', of, rowCount))];
}

describe('a stored deletion vector', () => {
  test('with a random prefix lies where the protocol says', async () => {
    const store = memoryStore();
    await store.put(`t/${EXAMPLE_FILE}`, vectorFile(DATA, 4));
    expect(await read(store, descriptor())).toEqual(ROWS);
  });

  test('may lie at an absolute path in the table, and is not followed out of it', async () => {
    const folder = await tempFolder();
    const store = localStore(folder);
    await store.put('t/deep/dv.bin', vectorFile(DATA, 1));
    await store.put('other/dv.bin', vectorFile(DATA, 1));
    const at = (path: string) => descriptor({ storageType: 'p', pathOrInlineDv: path, offset: 1 });
    expect(await read(store, at(`file://${folder}/t/deep/dv.bin`))).toEqual(ROWS);
    expect(await read(store, at(`${folder}/t/deep/dv.bin`))).toEqual(ROWS);
    const outside = [
      'file:///etc/passwd',
      `${folder}/other/dv.bin`,
      `${folder}/t/../other/dv.bin`,
      's3://bucket/dv.bin',
    ];
    for (const path of outside) await expect(read(store, at(path))).rejects.toThrow(/outside the table/);
  });

  test.each<[string, (bytes: Uint8Array) => Uint8Array, Partial<DeletionVectorDescriptor>, RegExp]>([
    ['changed by a bit', (bytes) => bytes.map((byte, i) => (i === 20 ? byte ^ 4 : byte)), {}, /checksum/],
    ['cut off', (bytes) => bytes.slice(0, 100), {}, /cut off/],
    ['of another size', (bytes) => bytes, { sizeInBytes: DATA.length - 1 }, /bytes, and the log says/],
    [
      'of another number of rows',
      (bytes) => bytes,
      { cardinality: 5 },
      /deletes 3000 rows, and the log says 5/,
    ],
    ['of an absurd size', (bytes) => bytes, { sizeInBytes: 2 ** 40 }, /claims/],
  ])('%s is refused, and named', async (_, damage, over, message) => {
    const store = memoryStore();
    await store.put(`t/${EXAMPLE_FILE}`, damage(vectorFile(DATA, 4)));
    await expect(read(store, descriptor(over))).rejects.toThrow(
      expect.objectContaining({ kind: 'corrupt', message: expect.stringMatching(message) }),
    );
  });

  test('may not have rows that the file does not have', async () => {
    const store = memoryStore();
    await store.put(`t/${EXAMPLE_FILE}`, vectorFile(DATA, 4));
    await expect(read(store, descriptor(), 100)).rejects.toThrow('the file has 100');
  });
});

test('vectors that are written are read: small ones in the log, others together in one file', async () => {
  const store = memoryStore();
  const sets = [[1, 2, 3], ROWS, [], ROWS.map((row) => row + 1)];
  const written = await writeDeletionVectors(store, 't', sets.map(RowSet.of));
  expect(written.map(({ storageType }) => storageType)).toEqual(['i', 'u', 'i', 'u']);
  for (const [i, of] of written.entries()) expect(await read(store, of)).toEqual(sets[i]);
});

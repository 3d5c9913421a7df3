import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  array,
  createTable,
  DeltaError,
  map,
  memoryStore,
  openTable,
  type Row,
  struct,
} from '../src/index.js';

const SCHEMA = struct({
  id: 'long',
  text: 'string',
  flag: 'boolean',
  price: 'decimal(20,2)',
  at: 'timestamp',
  list: array(struct({ x: 'integer', y: 'string' })),
  names: map('string', 'double'),
});

const rows: Row[] = Array.from({ length: 300 }, (_, id) => ({
  id,
  text: id % 3 ? `text ${id % 10}` : null,
  flag: id % 2 === 0,
  price: `${id}.25`,
  at: BigInt(id) * 1_000_000n,
  list:
    id % 4
      ? [
          { x: id, y: 'y' },
          { x: null, y: null },
        ]
      : [],
  names: new Map([[`k${id % 5}`, id / 7]]),
}));

async function damagedTable(damage: (bytes: Uint8Array) => Uint8Array) {
  const store = memoryStore();
  const table = await createTable(store, 't', { schema: SCHEMA });
  await table.append(rows);
  const [file] = (await table.snapshot()).files();
  const path = `t/${file!.path}`;
  await store.put(path, damage(await store.get(path)));
  return { path, table: await openTable(store, 't') };
}

describe('a damaged data file', () => {
  test.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    ['empty', () => new Uint8Array()],
    ['cut off in the middle', (bytes) => bytes.slice(0, bytes.length / 2)],
    ['without its last byte', (bytes) => bytes.slice(0, -1)],
    [
      'with a footer larger than itself',
      (bytes) => {
        new DataView(bytes.buffer).setUint32(bytes.length - 8, 0xffff_ffff, true);
        return bytes;
      },
    ],
    ['that is something else', () => new TextEncoder().encode('{"this":"is JSON"}'.repeat(100))],
  ])('%s is refused, and named', async (_, damage) => {
    const { table, path } = await damagedTable(damage);
    await expect(table.scan().toArray()).rejects.toThrow(
      expect.objectContaining({ kind: 'corrupt', where: expect.objectContaining({ file: path }) }),
    );
  });

  test('in any bytes is read or refused: never a crash, a hang or an absurd amount of memory', async () => {
    const change = fc.tuple(fc.nat(20_000), fc.oneof(fc.nat(255), fc.constantFrom(0, 127, 128, 255)));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat(9), async (changes, cut) => {
        const { table } = await damagedTable((bytes) => {
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          return cut === 0 ? bytes.slice(0, changes[0]![0] % bytes.length) : bytes;
        });
        try {
          expect((await table.scan().toArray()).length).toBeLessThanOrEqual(100_000);
        } catch (error) {
          expect(error).toBeInstanceOf(DeltaError);
        }
      }),
      { numRuns: 300 },
    );
  });
});

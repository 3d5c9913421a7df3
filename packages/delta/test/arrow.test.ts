import { tableFromIPC } from '@uwdata/flechette';
import { expect, it } from 'vitest';
import { array, createTable, memoryStore, required, type Scan, struct } from '../src/index.js';

const SCHEMA = struct({
  id: required('long'),
  name: 'string',
  ok: 'boolean',
  price: 'decimal(20,3)',
  pair: struct({ x: 'short', tags: array('string') }),
});

async function piecesOf(scan: Scan): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  for await (const piece of scan.arrow()) pieces.push(piece);
  return pieces;
}

it('gives rows as an Arrow stream that another implementation reads, in pieces of bounded size', async () => {
  const table = await createTable(memoryStore(), 't', {
    schema: SCHEMA,
    properties: { 'delta.enableDeletionVectors': 'true' },
  });
  const rows = Array.from({ length: 33_000 }, (_, i) => ({
    id: BigInt(i) - 9_007_199_254_740_993n,
    name: i % 11 ? `ñ${i}` : null,
    ok: i % 3 ? i % 2 === 0 : null,
    price: i % 5 ? BigInt(i * 7 - 100) * 10n ** 14n : null,
    pair: i % 4 ? { x: i % 100, tags: i % 8 > 2 ? ['a', null, `${i}`] : [] } : null,
  }));
  await table.append(rows.map((row) => ({ ...row, price: row.price && `${row.price / 1000n}.000` })));
  await table.delete({ where: { column: 'id', op: '=', value: rows[7]!.id } });

  const pieces = await piecesOf(table.scan());
  // The schema, two batches, the end.
  expect(pieces).toHaveLength(4);
  const read = tableFromIPC(pieces, { useBigInt: true, useDecimalInt: true });
  expect(read.toArray()).toEqual(rows.filter((_, i) => i !== 7));

  const few = tableFromIPC(await piecesOf(table.scan({ columns: ['ok', 'id'], version: 0 })));
  expect([few.numRows, few.schema.fields.map(({ name, nullable }) => [name, nullable])]).toEqual([
    0,
    [
      ['ok', true],
      ['id', false],
    ],
  ]);
});

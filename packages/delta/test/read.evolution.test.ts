import { describe, expect, test } from 'vitest';
import {
  column,
  createTable,
  type DataType,
  memoryStore,
  openTable,
  type PrimitiveType,
  type Store,
  type StructType,
  struct,
  type Table,
} from '../src/index.js';
import { encodeParquet } from '../src/writing/encode.js';

const WIDENS = { properties: { 'delta.enableTypeWidening': 'true' } };

describe('a column that was made wider', () => {
  test.each<[PrimitiveType, PrimitiveType, unknown, unknown, unknown]>([
    ['byte', 'short', -5, 300, [-5, 300]],
    ['short', 'integer', -5, 70_000, [-5, 70_000]],
    ['integer', 'long', -5, 2n ** 40n, [-5n, 2n ** 40n]],
    ['byte', 'long', -5, 2n ** 40n, [-5n, 2n ** 40n]],
    ['float', 'double', 0.5, 0.1, [0.5, 0.1]],
    ['integer', 'double', -5, 0.5, [-5, 0.5]],
    [
      'date',
      'timestamp_ntz',
      '1969-12-31',
      '2024-01-01T00:00:00.5',
      ['1969-12-31T00:00:00.000000', '2024-01-01T00:00:00.500000'],
    ],
    ['decimal(5,2)', 'decimal(7,3)', '-1.25', '1234.567', ['-1.250', '1234.567']],
    ['decimal(9,2)', 'decimal(38,4)', '-1.25', '1234.5678', ['-1.2500', '1234.5678']],
    ['integer', 'decimal(12,2)', -5, '0.25', ['-5.00', '0.25']],
    ['long', 'decimal(25,5)', -5, '0.25', ['-5.00000', '0.25000']],
  ])('from %s to %s has its old values and its new ones', async (from, to, before, after, expected) => {
    const table = await createTable(memoryStore(), 't', {
      schema: struct({ c: from, id: 'integer' }),
      ...WIDENS,
    });
    await table.append([
      { c: before, id: 0 },
      { c: null, id: 2 },
    ]);
    await table.widenColumn('c', to);
    await table.append([{ c: after, id: 1 }]);
    const rows = (await table.scan().toArray()).sort((a, b) => (a.id as number) - (b.id as number));
    expect(rows.map((row) => row.c)).toEqual([...(expected as unknown[]), null]);
    const found = table.scan({ where: { column: 'c', op: '=', value: before as string }, columns: ['id'] });
    expect(await found.toArray()).toContainEqual({ id: 0 });
  });

  test('by a change that is not known is refused', async () => {
    const metadata = { 'delta.typeChanges': [{ fromType: 'string', toType: 'integer' }] };
    const schema = struct({ c: { type: 'integer', metadata } });
    const table = await createTable(memoryStore(), 't', { schema, ...WIDENS });
    await expect(table.scan().toArray()).rejects.toThrow(expect.objectContaining({ kind: 'unsupported' }));
  });

  test('is narrower in the file than any widening explains: refused, and both types named', async () => {
    const store = memoryStore();
    const table = await createTable(store, 't', { schema: struct({ c: 'integer' }) });
    await table.append([{ c: 1 }]);
    const [file] = (await table.snapshot()).files();
    await store.put(`t/${file!.path}`, encodeParquet(struct({ c: 'string' }).fields, [['x']]));
    await expect(table.scan().toArray()).rejects.toThrow(
      /column c is integer in the table and BYTE_ARRAY \(string\) in the file/,
    );
  });
});

/** A table whose files were written under other names: what a writer with column mapping makes. */
async function mapped(
  mode: 'name' | 'id',
  files: StructType,
  logical: StructType,
  rows: unknown[][],
): Promise<Store> {
  const store = memoryStore();
  const bytes = encodeParquet(
    files.fields,
    files.fields.map((_, c) => rows.map((row) => row[c])),
  );
  await store.put('t/f.parquet', bytes);
  const protocol = { minReaderVersion: 2, minWriterVersion: 5 };
  const metaData = {
    id: 'x',
    format: { provider: 'parquet', options: {} },
    schemaString: JSON.stringify(logical),
    partitionColumns: [],
    configuration: { 'delta.columnMapping.mode': mode, 'delta.columnMapping.maxColumnId': '9' },
  };
  const stats = '{"numRecords":2,"minValues":{"p1":1},"maxValues":{"p1":2},"nullCount":{"p1":0}}';
  const add = {
    path: 'f.parquet',
    partitionValues: {},
    size: bytes.length,
    modificationTime: 1,
    dataChange: true,
    stats,
  };
  const log = [{ protocol }, { metaData }, { add }].map((action) => JSON.stringify(action)).join('\n');
  await store.put('t/_delta_log/00000000000000000000.json', new TextEncoder().encode(log));
  return store;
}

describe('column mapping', () => {
  const as = (type: DataType, id: number, physicalName: string) => ({
    type,
    metadata: { 'delta.columnMapping.id': id, 'delta.columnMapping.physicalName': physicalName },
  });
  const FILES = struct({ p1: 'integer', p2: struct({ p3: 'string', dropped: 'string' }), name: 'string' });
  // `name` in the file was dropped, and another column took its name since.
  const TABLE = struct({
    name: as('integer', 1, 'p1'),
    nested: as(struct({ text: as('string', 3, 'p3'), added: as('long', 5, 'p5') }), 2, 'p2'),
    late: as('string', 6, 'p6'),
  });
  const ROWS = [
    [1, { p3: 'a', dropped: 'x' }, 'old'],
    [2, null, 'old'],
  ];

  test('by name: renamed, dropped and added columns, nested ones too', async () => {
    const table = await openTable(await mapped('name', FILES, TABLE, ROWS), 't');
    expect(await table.scan().toArray()).toEqual([
      { name: 1, nested: { text: 'a', added: null }, late: null },
      { name: 2, nested: null, late: null },
    ]);
    expect(await table.scan({ where: { column: 'name', op: '>', value: 1 } }).count()).toBe(1);
    expect((await table.snapshot()).files({ column: 'name', op: '>', value: 2 })).toEqual([]);
  });

  test('by id: a file without ids is refused rather than read as nulls', async () => {
    const table = await openTable(await mapped('id', FILES, TABLE, ROWS), 't');
    await expect(table.scan().toArray()).rejects.toThrow(/by id, and the file has no ids/);
  });

  const where = { column: 'name', op: '=', value: 1 } as const;
  test.each<[way: string, write: (table: Table) => Promise<unknown>]>([
    ['append', (table) => table.append([{ name: 3 }])],
    ['append of no rows', (table) => table.append([])],
    ['overwrite', (table) => table.overwrite([{ name: 3 }])],
    ['replace where', (table) => table.overwrite([{ name: 1 }], { where })],
    ['delete', (table) => table.delete({ where })],
    ['update', (table) => table.update({ where, set: { name: 3 } })],
    ['merge', (table) => table.merge([{ name: 3 }], { on: ['name'] })],
    ['optimize', (table) => table.optimize()],
    ['restore', (table) => table.restore({ version: 0 })],
    ['setProperties', (table) => table.setProperties({ x: 'y' })],
    ['addColumn', (table) => table.addColumn(column('more', 'string'))],
    ['commit', (table) => table.commit({ operation: 'WRITE', add: [] })],
    ['checkpoint', (table) => table.checkpoint()],
    ['cleanLog', (table) => table.cleanLog()],
    ['vacuum', (table) => table.vacuum()],
  ])('refuses %s with the reason, before anything is written', async (_, write) => {
    const store = await mapped('name', FILES, TABLE, ROWS);
    const table = await openTable(store, 't');
    await expect(write(table)).rejects.toMatchObject({
      kind: 'unsupported',
      message: 'The table maps its columns by name (delta.columnMapping.mode)',
      where: { table: 't' },
      hint: expect.stringContaining('Write it with an engine that has the feature'),
    });
    const paths: string[] = [];
    for await (const { path } of store.list('')) paths.push(path);
    expect(paths).toEqual(['t/_delta_log/00000000000000000000.json', 't/f.parquet']);
  });
});

describe('a column of type void', () => {
  test('is null in every row, and in no file', async () => {
    const store = memoryStore();
    const table = await createTable(store, 't', { schema: struct({ id: 'long', nothing: 'void' }) });
    await table.append([{ id: 1 }, { id: 2, nothing: null }]);
    await expect(table.append([{ id: 3, nothing: 1 }])).rejects.toThrow('takes null');
    expect(await table.scan().toArray()).toEqual([
      { id: 1n, nothing: null },
      { id: 2n, nothing: null },
    ]);
  });
});

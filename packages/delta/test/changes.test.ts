import { describe, expect, it } from 'vitest';
import {
  createTable,
  filesToReplace,
  memoryStore,
  overwrite,
  replaceWhere,
  type Snapshot,
  type StructType,
  type Table,
} from '../src/index.js';
import { DAYS, file, NUMBERS } from './support/tables.js';

const on = (path: string, day: string, n: [number, number] = [1, 10]) =>
  file(path, { partitionValues: { day }, n });
const FIRST = { column: 'day', op: '=', value: '2026-01-01' } as const;

/** Two days with two files each; the data files themselves are there as well. */
async function someTable(properties: Record<string, string> = {}): Promise<Table> {
  const store = memoryStore();
  const table = await createTable(store, 't', { schema: DAYS, partitionBy: ['day'], properties });
  const add = [
    on('a1', '2026-01-01'),
    on('a2', '2026-01-01', [11, 20]),
    on('b1', '2026-01-02'),
    on('b2', '2026-01-02', [11, 20]),
  ];
  for (const { path } of add) await store.put(`t/${path}`, new Uint8Array(1));
  await table.commit({ operation: 'WRITE', add });
  return Object.assign(table, { store });
}

const paths = (snapshot: Snapshot): string[] => snapshot.files().map(({ path }) => path);

describe('overwrite', () => {
  it('leaves the new files and no other', async () => {
    const table = await someTable();
    const result = await table.commit(overwrite(await table.snapshot(), [on('c', '2026-01-03')]));
    expect(result.status).toBe('committed');
    expect(paths(await table.snapshot())).toEqual(['c']);
  });

  it('conflicts with what landed since', async () => {
    const table = await someTable();
    const change = overwrite(await table.snapshot(), [on('c', '2026-01-03')]);
    await table.commit({ operation: 'WRITE', add: [on('late', '2026-01-04')] });
    expect((await table.commit(change)).status).toBe('conflict');
  });
});

describe('replace-where', () => {
  it('replaces a partition and nothing else, and follows an append to another', async () => {
    const table = await someTable();
    const change = replaceWhere(await table.snapshot(), FIRST, [on('a3', '2026-01-01')]);
    await table.commit({ operation: 'WRITE', add: [on('b3', '2026-01-02')] });
    expect((await table.commit(change)).status).toBe('committed');
    expect(paths(await table.snapshot()).sort()).toEqual(['a3', 'b1', 'b2', 'b3']);
  });

  it('loses to an append to the same partition', async () => {
    const table = await someTable();
    const change = replaceWhere(await table.snapshot(), FIRST, [on('a3', '2026-01-01')]);
    await table.commit({ operation: 'WRITE', add: [on('a4', '2026-01-01')] });
    expect((await table.commit(change)).status).toBe('conflict');
  });

  it('refuses rows that are or may be outside', async () => {
    const snapshot = await (await someTable()).snapshot();
    const stats = JSON.stringify({ numRecords: 1 });
    expect(() => replaceWhere(snapshot, FIRST, [on('x', '2026-01-02')])).toThrow(
      'outside of what is replaced',
    );
    const below = { column: 'n', op: '<', value: 11 } as const;
    expect(() => replaceWhere(snapshot, below, [{ ...on('x', '2026-01-02'), stats }])).toThrow('outside');
    expect(
      replaceWhere(snapshot, below, [{ ...on('x', '2026-01-02'), stats }], [], { rowsMatch: true }).remove,
    ).toHaveLength(2);
  });

  it('refuses to drop rows that are to stay', async () => {
    const table = await someTable();
    const snapshot = await table.snapshot();
    const some = { column: 'n', op: '<', value: 15 } as const;
    const { whole, partial } = filesToReplace(snapshot, some);
    expect([whole, partial].map((files) => files.map(({ path }) => path))).toEqual([
      ['a1', 'b1'],
      ['a2', 'b2'],
    ]);
    expect(() => replaceWhere(snapshot, some, [])).toThrow('may hold rows that are to stay');
    const kept = [on('a2-kept', '2026-01-01', [15, 20]), on('b2-kept', '2026-01-02', [15, 20])];
    await table.commit(replaceWhere(snapshot, some, [on('new', '2026-01-01', [1, 2])], kept));
    expect(paths(await table.snapshot())).toEqual(['new', 'a2-kept', 'b2-kept']);
  });
});

describe('restore', () => {
  it('makes the table what it was, and keeps positions and history', async () => {
    const table = await someTable({ 'some.property': 'old' });
    const before = await table.snapshot();
    await table.commit({ ...overwrite(before, [on('c', '2026-01-03')]), txn: { appId: 'job', version: 5 } });
    await table.setProperties({ 'some.property': 'new', 'other.property': 'x' });
    await table.addColumn({ name: 'more', type: 'string', nullable: true, metadata: {} });
    expect(await table.restore({ version: 1 })).toEqual({ version: 5 });
    const after = await table.snapshot();
    expect(paths(after).sort()).toEqual(paths(before));
    expect(after.schema).toEqual(before.schema);
    expect(after.metadata.configuration).toEqual({ 'some.property': 'old' });
    expect(after.txn('job')).toBe(5);
    expect((await table.history())[0]).toMatchObject({
      operation: 'RESTORE',
      operationParameters: { version: 1 },
    });
  });

  it('is refused where a file of the version is gone', async () => {
    const table = (await someTable()) as Table & { store: ReturnType<typeof memoryStore> };
    await table.commit(overwrite(await table.snapshot(), []));
    await table.store.delete('t/a2');
    await expect(table.restore({ version: 1 })).rejects.toMatchObject({
      kind: 'no-such-version',
      where: { file: 'a2' },
    });
    expect((await table.snapshot()).version).toBe(2);
  });
});

describe('properties and columns', () => {
  it('properties are set and taken away, with the features that they need', async () => {
    const table = await someTable({ a: '1', b: '2' });
    await table.setProperties({ a: null, c: '3', 'delta.enableDeletionVectors': 'true' });
    const { metadata, protocol } = await table.snapshot();
    expect(metadata.configuration).toEqual({ b: '2', c: '3', 'delta.enableDeletionVectors': 'true' });
    expect(protocol).toEqual({
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['deletionVectors'],
      writerFeatures: ['appendOnly', 'invariants', 'deletionVectors'],
    });
    await table.setProperties({ 'delta.feature.domainMetadata': 'supported' });
    const { metadata: unchanged, protocol: more } = await table.snapshot();
    expect(unchanged.configuration).toEqual(metadata.configuration);
    expect(more.writerFeatures).toContain('domainMetadata');
    await expect(table.setProperties({ 'delta.columnMapping.mode': 'name' })).rejects.toMatchObject({
      kind: 'unsupported',
    });
    await expect(table.setProperties({ 'delta.constraints.x': 'n > 0' })).rejects.toMatchObject({
      kind: 'unsupported',
    });
  });

  it('a column is added at the end, also in a struct, and no name twice', async () => {
    const table = await someTable();
    const inner: StructType = {
      type: 'struct',
      fields: [{ name: 'x', type: 'long', nullable: true, metadata: {} }],
    };
    await table.addColumn({ name: 's', type: inner, nullable: true, metadata: {} });
    await table.addColumn({ name: 'y', type: 'date', nullable: true, metadata: {} }, 's');
    const { schema } = await table.snapshot();
    expect(schema.fields.map(({ name }) => name)).toEqual(['n', 'day', 's']);
    expect((schema.fields[2]!.type as StructType).fields.map(({ name }) => name)).toEqual(['x', 'y']);
    const column = { name: 'N', type: 'long', nullable: true, metadata: {} } as const;
    await expect(table.addColumn(column)).rejects.toThrow('already');
    await expect(table.addColumn({ ...column, name: 'z', nullable: false })).rejects.toThrow('nullable');
    await expect(table.addColumn(column, 'nowhere')).rejects.toThrow('no struct nowhere');
  });

  it('a column is widened where the table allows it, and remembers', async () => {
    const schema: StructType = {
      type: 'struct',
      fields: [{ name: 'i', type: 'short', nullable: true, metadata: {} }],
    };
    const table = await createTable(memoryStore(), 't', { schema });
    await expect(table.widenColumn('i', 'long')).rejects.toThrow('no type widening');
    await table.setProperties({ 'delta.enableTypeWidening': 'true' });
    await table.widenColumn('i', 'integer');
    await table.widenColumn('i', 'decimal(12,2)');
    const { schema: widened, protocol } = await table.snapshot();
    expect(protocol.readerFeatures).toEqual(['typeWidening']);
    expect(widened.fields[0]).toMatchObject({
      type: 'decimal(12,2)',
      metadata: {
        'delta.typeChanges': [
          { fromType: 'short', toType: 'integer' },
          { fromType: 'integer', toType: 'decimal(12,2)' },
        ],
      },
    });
    for (const to of ['long', 'string', 'decimal(11,2)', 'decimal(12,3)'] as const) {
      await expect(table.widenColumn('i', to)).rejects.toThrow('cannot become');
    }
    await expect(table.widenColumn('nope', 'long')).rejects.toThrow('no column nope');
  });

  it('land also while others append', async () => {
    const table = await someTable();
    const appends = [1, 2, 3, 4].map((i) =>
      table.commit({ operation: 'WRITE', add: [on(`p${i}`, '2026-01-01')] }),
    );
    const [set] = await Promise.all([table.setProperties({ x: 'y' }), ...appends]);
    expect((await table.snapshot({ version: set.version })).metadata.configuration).toEqual({ x: 'y' });
    expect((await table.snapshot()).fileCount).toBe(8);
  });
});

describe('describe', () => {
  it('says what the table is, in the words of DESCRIBE DETAIL', async () => {
    const store = memoryStore();
    const properties = { 'delta.enableDeletionVectors': 'true' };
    const init = { schema: NUMBERS, properties, name: 'numbers', description: 'all of them' };
    const table = await createTable(store, 'a/t', init, { nowMs: () => 1_700_000_000_000 });
    await table.append([{ n: 1 }, { n: 2 }]);
    await table.delete({ where: { column: 'n', op: '=', value: 2 } });
    const { sizeInBytes, id, lastModified, ...rest } = await table.describe();
    expect([sizeInBytes > 0, id.length, lastModified instanceof Date]).toEqual([true, 36, true]);
    expect(rest).toEqual({
      format: 'delta',
      name: 'numbers',
      description: 'all of them',
      location: `${store.url}/a/t`,
      createdAt: new Date(1_700_000_000_000),
      version: 2,
      partitionColumns: [],
      numFiles: 1,
      numRecords: 1,
      properties,
      minReaderVersion: 3,
      minWriterVersion: 7,
      tableFeatures: ['appendOnly', 'deletionVectors', 'invariants'],
    });
  });
});

import { describe, expect, it } from 'vitest';
import {
  createTable,
  memoryStore,
  openTable,
  type Protocol,
  type Store,
  type StructType,
} from '../src/index.js';
import { file, NUMBERS } from './support/tables.js';

/** A table as another engine may have left it. */
async function tableWith(
  protocol: object,
  metadata: { configuration?: object; schema?: StructType } = {},
): Promise<Store> {
  const store = memoryStore();
  const metaData = {
    id: 'x',
    format: { provider: 'parquet', options: {} },
    schemaString: JSON.stringify(metadata.schema ?? NUMBERS),
    partitionColumns: [],
    configuration: metadata.configuration ?? {},
  };
  const lines = [{ protocol }, { metaData }].map((action) => JSON.stringify(action)).join('\n');
  await store.put('t/_delta_log/00000000000000000000.json', new TextEncoder().encode(lines));
  return store;
}

const features = (readerFeatures: string[], writerFeatures = readerFeatures) => ({
  minReaderVersion: 3,
  minWriterVersion: 7,
  readerFeatures,
  writerFeatures,
});
const append = { operation: 'WRITE', add: [file('a')] };

describe('reading is refused, naming what is missing, where the table needs', () => {
  it.each<[string, object, string]>([
    ['an unknown reader feature', features(['deletionVectors', 'fancyReads']), 'fancyReads'],
    ['a newer reader version', { minReaderVersion: 4, minWriterVersion: 7 }, 'reader version 4'],
    [
      'features without a list of them',
      { minReaderVersion: 3, minWriterVersion: 7 },
      'no list of reader features',
    ],
    ['a catalog', features(['catalogManaged']), 'catalogManaged'],
  ])('%s', async (_, protocol, message) => {
    await expect(openTable(await tableWith(protocol), 't')).rejects.toThrow(message);
  });
});

describe('writing is refused, and reading is not, where the table has', () => {
  const structOf = (metadata: Record<string, unknown>): StructType => ({
    type: 'struct',
    fields: [{ name: 'n', type: 'long', nullable: true, metadata }],
  });
  it.each<[string, object, { configuration?: object; schema?: StructType }, string]>([
    ['an unknown writer feature', features([], ['fancyWrites']), {}, 'fancyWrites'],
    ['row tracking', features([], ['rowTracking', 'domainMetadata']), {}, 'rowTracking'],
    ['a newer writer version', { minReaderVersion: 1, minWriterVersion: 8 }, {}, 'writer version 8'],
    [
      'mapped columns',
      { minReaderVersion: 2, minWriterVersion: 5 },
      { configuration: { 'delta.columnMapping.mode': 'name' } },
      'name',
    ],
    [
      'generated columns',
      { minReaderVersion: 1, minWriterVersion: 4 },
      { schema: structOf({ 'delta.generationExpression': 'n + 1' }) },
      'generated',
    ],
    [
      'constraints that nobody checked',
      { minReaderVersion: 1, minWriterVersion: 3 },
      { configuration: { 'delta.constraints.positive': 'n > 0' } },
      'delta.constraints.positive',
    ],
    [
      'invariants that nobody checked',
      { minReaderVersion: 1, minWriterVersion: 2 },
      { schema: structOf({ 'delta.invariants': '{"expression":{"expression":"n > 3"}}' }) },
      'delta.invariants',
    ],
  ])('%s', async (_, protocol, metadata, message) => {
    const table = await openTable(await tableWith(protocol, metadata), 't');
    await expect(table.commit(append)).rejects.toThrow(message);
    expect((await table.snapshot()).version).toBe(0);
  });

  it('constraints, until the rows were checked', async () => {
    const configuration = { 'delta.constraints.positive': 'n > 0' };
    const table = await openTable(
      await tableWith({ minReaderVersion: 1, minWriterVersion: 3 }, { configuration }),
      't',
    );
    expect((await table.commit({ ...append, rowsChecked: true })).status).toBe('committed');
  });

  it('an append-only rule, but for appends and compaction', async () => {
    const table = await createTable(memoryStore(), 't', {
      schema: NUMBERS,
      properties: { 'delta.appendOnly': 'true' },
    });
    await table.commit(append);
    const change = { operation: 'DELETE', readVersion: 1, remove: [file('a')] };
    await expect(table.commit(change)).rejects.toThrow('append-only');
    expect((await table.commit({ ...change, add: [file('b')], rearrangesOnly: true })).status).toBe(
      'committed',
    );
  });

  it('a change data feed, but for what is its own change data', async () => {
    const table = await createTable(memoryStore(), 't', {
      schema: NUMBERS,
      properties: { 'delta.enableChangeDataFeed': 'true' },
    });
    await table.commit(append);
    const update = { operation: 'UPDATE', readVersion: 1, remove: [file('a')], add: [file('b')] };
    await expect(table.commit(update)).rejects.toThrow('change data');
    const cdc = [
      { path: '_change_data/c.parquet', partitionValues: {}, size: 1, dataChange: false as const },
    ];
    expect((await table.commit({ ...update, cdc })).status).toBe('committed');
    const { version } = await table.snapshot();
    expect(
      (await table.commit({ operation: 'DELETE', readVersion: version, remove: [file('b')] })).status,
    ).toBe('committed');
  });

  it('columns without NULL, and a file that has some', async () => {
    const schema: StructType = {
      type: 'struct',
      fields: [{ name: 'n', type: 'long', nullable: false, metadata: {} }],
    };
    const table = await createTable(memoryStore(), 't', { schema });
    const stats = JSON.stringify({ numRecords: 2, nullCount: { n: 1 } });
    await expect(table.commit({ operation: 'WRITE', add: [file('a', { stats })] })).rejects.toThrow(
      'NULL in the column n',
    );
  });

  it('no deletion vectors, and a file comes with one', async () => {
    const table = await createTable(memoryStore(), 't', { schema: NUMBERS });
    const deletionVector = { storageType: 'i' as const, pathOrInlineDv: 'x', sizeInBytes: 1, cardinality: 1 };
    const add = [file('a', { deletionVector })];
    await expect(table.commit({ operation: 'WRITE', add })).rejects.toThrow('deletionVectors');
  });
});

describe('a new table has the protocol that it needs and no more', () => {
  const protocolOf = async (
    properties: Record<string, string>,
    type: 'long' | 'timestamp_ntz' = 'long',
  ): Promise<Protocol> => {
    const schema: StructType = {
      type: 'struct',
      fields: [{ name: 'x', type, nullable: true, metadata: {} }],
    };
    return (await (await createTable(memoryStore(), 't', { schema, properties })).snapshot()).protocol;
  };
  const legacy = ['appendOnly', 'invariants'];

  it('none beyond the oldest for plain columns', async () => {
    expect(await protocolOf({ 'delta.appendOnly': 'true' })).toEqual({
      minReaderVersion: 1,
      minWriterVersion: 2,
    });
  });

  it('a writer feature, readable by all', async () => {
    expect(await protocolOf({ 'delta.enableInCommitTimestamps': 'true' })).toEqual({
      minReaderVersion: 1,
      minWriterVersion: 7,
      writerFeatures: [...legacy, 'inCommitTimestamp'],
    });
  });

  it('a feature of readers and writers in both lists', async () => {
    expect(await protocolOf({ 'delta.enableDeletionVectors': 'true' }, 'timestamp_ntz')).toEqual({
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['timestampNtz', 'deletionVectors'],
      writerFeatures: [...legacy, 'timestampNtz', 'deletionVectors'],
    });
  });
});

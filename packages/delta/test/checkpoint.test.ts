import { describe, expect, it } from 'vitest';
import { canonicalJson, checksumOf } from '../src/checkpoint/pointer.js';
import {
  createTable,
  memoryStore,
  openTable,
  type Snapshot,
  type Store,
  type StructType,
  type Table,
} from '../src/index.js';
import { DAYS, file, NUMBERS } from './support/tables.js';

const NAME = 't/_delta_log/00000000000000000003.checkpoint.parquet';
const POINTER = 't/_delta_log/_last_checkpoint';

/** Version 3: files a to c less b, a deletion vector, a position, a domain. */
async function someTable(properties: Record<string, string> = {}): Promise<{ store: Store; table: Table }> {
  const store = memoryStore();
  const features = { 'delta.enableDeletionVectors': 'true', 'delta.feature.domainMetadata': 'supported' };
  const init = { schema: DAYS, partitionBy: ['day'], description: 'é' };
  const table = await createTable(store, 't', { ...init, properties: { ...features, ...properties } });
  const deletionVector = {
    storageType: 'u' as const,
    pathOrInlineDv: 'ab^-aqEH.-t@S}K{vb[*k^',
    offset: 4,
    sizeInBytes: 40,
    cardinality: 6,
  };
  const add = [
    file('a', { partitionValues: { day: '2026-01-01' }, tags: { k: 'v' }, size: 2 ** 40 }),
    file('b', { partitionValues: { day: null } }),
    file('c', { partitionValues: { day: '2026-01-03' }, deletionVector }),
  ];
  await table.commit({ operation: 'WRITE', add, txn: { appId: 'job', version: 41 } });
  await table.commit({ operation: 'DELETE', readVersion: 1, remove: [add[1]!] });
  const domains = [{ domain: 'd', configuration: '{"x":1}', removed: false }];
  await table.commit({ operation: 'X', domains, txn: { appId: 'job', version: 42 } });
  return { store, table };
}

/** Everything that a reader can see; a checkpoint calls nothing a change. */
function visible(snapshot: Snapshot): unknown {
  const { version, timestampMs, protocol, metadata, recordCount, sizeBytes, fileCount } = snapshot;
  const files = snapshot.files().map((add) => ({ ...add, dataChange: false }));
  const state = { files, txns: [...snapshot.txns], domains: [...snapshot.domains] };
  return { version, timestampMs, protocol, metadata, recordCount, sizeBytes, fileCount, ...state };
}

async function names(store: Store): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of store.list('t/_delta_log/')) paths.push(path.slice('t/_delta_log/'.length));
  return paths;
}

describe('a checkpoint', () => {
  it('holds the whole state: a reader needs no older commit', async () => {
    const { store, table } = await someTable();
    const before = visible(await table.snapshot());
    expect(await table.checkpoint()).toEqual({ version: 3 });
    for (const version of [0, 1, 2]) await store.delete(`t/_delta_log/0000000000000000000${version}.json`);
    const after = await (await openTable(store, 't')).snapshot();
    expect(visible(after)).toEqual(before);
    expect(after.recordCount).toBe(14);
    await table.commit({ operation: 'WRITE', add: [file('d', { partitionValues: { day: '2026-01-04' } })] });
    expect((await (await openTable(store, 't')).snapshot()).fileCount).toBe(3);
  });

  it('keeps tombstones until they expire', async () => {
    const { store, table } = await someTable();
    await table.checkpoint();
    const { loadState } = await import('../src/log/reader.js');
    const fresh = await loadState(store, 't');
    expect([...fresh.state.tombstones.values()].map(({ path }) => path)).toEqual(['b']);
    const later = await openTable(store, 't', { nowMs: () => Date.now() + 8 * 24 * 3_600_000 });
    await later.checkpoint();
    expect((await loadState(store, 't')).state.tombstones.size).toBe(0);
  });

  it('has a pointer with its checksum, by the test vector of the protocol', async () => {
    const vector = JSON.parse(
      `{"k0":"'v 0'", "checksum": "adsaskfljadfkjadfkj", "k1":{"k2": 2, "k3": ["v3", [1, 2], {"k4": "v4", "k5": ["v5", "v6", "v7"]}]}}`,
    );
    expect(canonicalJson(vector)).toBe(
      `"k0"="%27v%200%27","k1"+"k2"=2,"k1"+"k3"+0="v3","k1"+"k3"+1+0=1,"k1"+"k3"+1+1=2,"k1"+"k3"+2+"k4"="v4","k1"+"k3"+2+"k5"+0="v5","k1"+"k3"+2+"k5"+1="v6","k1"+"k3"+2+"k5"+2="v7"`,
    );
    expect(checksumOf(vector)).toBe('6a92d155a59bf2eecbd4b4ec7fd1f875');
    const { store, table } = await someTable();
    await table.checkpoint();
    const pointer = JSON.parse(new TextDecoder().decode(await store.get(POINTER)));
    expect(pointer).toMatchObject({ version: 3, numOfAddFiles: 2, checksum: checksumOf(pointer) });
  });

  it('is written every so many commits', async () => {
    const store = memoryStore();
    const table = await createTable(store, 't', {
      schema: NUMBERS,
      properties: { 'delta.checkpointInterval': '4' },
    });
    for (let i = 1; i <= 9; i++) await table.commit({ operation: 'WRITE', add: [file(`f${i}`)] });
    const written = (await names(store)).filter((name) => name.includes('.checkpoint.'));
    expect(written).toEqual([
      '00000000000000000004.checkpoint.parquet',
      '00000000000000000008.checkpoint.parquet',
    ]);
    expect((await (await openTable(store, 't')).snapshot()).fileCount).toBe(9);
    expect((await table.snapshot({ version: 3 })).fileCount).toBe(3);
  });

  it.each<[string, (store: Store) => Promise<void>]>([
    ['its pointer is missing', (store) => store.delete(POINTER)],
    ['its pointer is cut off', (store) => store.put(POINTER, new TextEncoder().encode('{"version":3,"si'))],
    ['its pointer is no object', (store) => store.put(POINTER, new TextEncoder().encode('[3]'))],
    [
      'its pointer has another checksum',
      (store) => store.put(POINTER, new TextEncoder().encode('{"version":2,"checksum":"x"}')),
    ],
    [
      'its pointer names another version',
      (store) => store.put(POINTER, new TextEncoder().encode('{"version":77}')),
    ],
    ['it is gone', (store) => store.delete(NAME)],
    ['it is empty', (store) => store.put(NAME, new Uint8Array())],
    ['it is garbage', (store) => store.put(NAME, new Uint8Array(1000).fill(7))],
    ['it is cut off', async (store) => store.put(NAME, (await store.get(NAME)).subarray(0, 500))],
  ])('is not needed where %s and the commits are there', async (_, damage) => {
    const { store, table } = await someTable();
    const before = visible(await table.snapshot());
    await table.checkpoint();
    await damage(store);
    expect(visible(await (await openTable(store, 't')).snapshot())).toEqual(before);
  });

  it('that is broken is an error where nothing else has what it had', async () => {
    const { store, table } = await someTable();
    await table.checkpoint();
    await store.delete('t/_delta_log/00000000000000000001.json');
    await store.put(NAME, new Uint8Array(1000).fill(7));
    await expect(openTable(store, 't')).rejects.toMatchObject({ kind: 'corrupt', where: { file: NAME } });
  });

  it('in parts is read when all of them are there', async () => {
    const { store, table } = await someTable();
    const before = visible(await table.snapshot());
    await table.checkpoint();
    const bytes = await store.get(NAME);
    const part = (n: number) => NAME.replace('.parquet', `.000000000${n}.0000000002.parquet`);
    // Replay takes what is there twice once.
    await store.put(part(1), bytes);
    await store.delete(NAME);
    expect(visible(await (await openTable(store, 't')).snapshot())).toEqual(before);
    await store.put(part(2), bytes);
    for (const version of [0, 1, 2]) await store.delete(`t/_delta_log/0000000000000000000${version}.json`);
    expect(visible(await (await openTable(store, 't')).snapshot())).toEqual(before);
    await store.delete(part(1));
    await expect(openTable(store, 't')).rejects.toMatchObject({ kind: 'corrupt' });
  });

  it('has statistics as columns where the table asks for them', async () => {
    const { parquetReadObjects } = await import('hyparquet');
    const { store, table } = await someTable({ 'delta.checkpoint.writeStatsAsStruct': 'true' });
    await table.checkpoint();
    const bytes = await store.get(NAME);
    const rows = await parquetReadObjects({ file: bytes.slice().buffer });
    const adds = rows.filter(({ add }) => add);
    expect(adds[0]?.add.stats_parsed).toMatchObject({
      numRecords: 10n,
      minValues: { n: 1n },
      nullCount: { n: 0n },
    });
    expect(adds[0]?.add.partitionValues_parsed).toEqual({ day: new Date('2026-01-01') });
    expect(adds[0]?.add.stats).toContain('numRecords');
  });

  it('is written by the V2 spec where the table says so', async () => {
    const { store, table } = await someTable({ 'delta.checkpointPolicy': 'v2' });
    const before = visible(await table.snapshot());
    await table.checkpoint();
    const [written] = (await names(store)).filter((name) => name.includes('.checkpoint.'));
    expect(written).toMatch(/^00000000000000000003\.checkpoint\.[0-9a-f-]{36}\.parquet$/);
    for (const version of [0, 1, 2]) await store.delete(`t/_delta_log/0000000000000000000${version}.json`);
    expect(visible(await (await openTable(store, 't')).snapshot())).toEqual(before);
  });

  it('keeps positions for ever, unless the table says how long', async () => {
    const YEAR = 365 * 24 * 3_600_000;
    for (const [properties, left] of [
      [{}, 1],
      [{ 'delta.setTransactionRetentionDuration': 'interval 100 days' }, undefined],
    ] as const) {
      const store = memoryStore();
      const long = Date.now() - 5 * YEAR;
      const old = await createTable(store, 't', { schema: NUMBERS, properties }, { nowMs: () => long });
      await old.append([{ n: 1 }], { txn: { appId: 'loader', version: 1 } });
      await (await openTable(store, 't')).checkpoint();
      await store.delete('t/_delta_log/00000000000000000000.json');
      expect((await (await openTable(store, 't')).snapshot()).txn('loader')).toBe(left);
    }
  });

  it('by the V2 spec has its files in sidecars where there are many, all of them named before the pointer is', async () => {
    const store = memoryStore();
    const properties = { 'delta.checkpointPolicy': 'v2', 'delta.checkpointInterval': '1000' };
    const table = await createTable(store, 't', { schema: NUMBERS, properties }, { sidecarActionsMax: 10 });
    const add = Array.from({ length: 24 }, (_, i) => file(`f${i}`));
    await table.commit({ operation: 'WRITE', add, txn: { appId: 'job', version: 1 } });
    await table.commit({ operation: 'DELETE', readVersion: 1, remove: add.slice(0, 3) });
    const before = visible(await table.snapshot());
    await table.checkpoint();
    const sidecars = (await names(store)).filter((name) => name.startsWith('_sidecars/'));
    expect(sidecars).toHaveLength(3);
    const pointer = JSON.parse(new TextDecoder().decode(await store.get(POINTER)));
    // 21 files, 3 tombstones, protocol, metadata, a position, the checkpoint's own metadata, 3 sidecars.
    expect(pointer).toMatchObject({ version: 2, size: 31, numOfAddFiles: 21 });
    for (const version of [0, 1]) await store.delete(`t/_delta_log/0000000000000000000${version}.json`);
    const again = await openTable(store, 't');
    expect(visible(await again.snapshot())).toEqual(before);
    // Without one of them the checkpoint is no whole one, and nothing else tells the story.
    await store.delete(`t/_delta_log/${sidecars[1]}`);
    await expect(openTable(store, 't')).rejects.toThrow();
  });

  it('with statistics as columns only has them as text again', async () => {
    const schema: StructType = {
      type: 'struct',
      fields: [
        ...(['long', 'date', 'timestamp', 'timestamp_ntz', 'double', 'string'] as const).map((type) => ({
          name: type,
          type,
          nullable: true,
          metadata: {},
        })),
        { name: 's', type: { type: 'struct', fields: NUMBERS.fields }, nullable: true, metadata: {} },
      ],
    };
    const store = memoryStore();
    const properties = {
      'delta.checkpoint.writeStatsAsStruct': 'true',
      'delta.checkpoint.writeStatsAsJson': 'false',
    };
    const table = await createTable(store, 't', { schema, properties });
    const values = {
      long: 9007199254740991,
      date: '2026-01-31',
      timestamp: '2026-01-31T12:00:00.123Z',
      timestamp_ntz: '1969-12-31T23:59:59.999',
      double: 0.1,
      string: 'é"',
      s: { n: -5 },
    };
    const nullCount = { long: 1, date: 0, timestamp: 0, timestamp_ntz: 0, double: 0, string: 0, s: { n: 3 } };
    const stats = { numRecords: 7, tightBounds: false, minValues: values, maxValues: values, nullCount };
    await table.commit({
      operation: 'WRITE',
      add: [file('a', { stats: JSON.stringify(stats) }), { ...file('b'), stats: '{}' }],
    });
    await table.checkpoint();
    await store.delete('t/_delta_log/00000000000000000000.json');
    const [a, b] = (await (await openTable(store, 't')).snapshot()).files();
    const micros = { timestamp: '2026-01-31T12:00:00.123000Z', timestamp_ntz: '1969-12-31T23:59:59.999000' };
    const read = { ...values, ...micros };
    expect(JSON.parse(a!.stats!)).toEqual({ ...stats, minValues: read, maxValues: read });
    expect(JSON.parse(b!.stats!)).toEqual({});
    expect(
      (await (await openTable(store, 't')).snapshot()).files({ column: 's.n', op: '=', value: 6 }),
    ).toHaveLength(1);
  });
});

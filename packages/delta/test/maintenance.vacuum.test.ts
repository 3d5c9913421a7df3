import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createTable, localStore, type Store, type Table } from '../src/index.js';
import { DAYS, file } from './support/tables.js';
import { tempFolder, touch } from './support/temp.js';

const HOUR = 3_600_000;
const NOW = Date.now();

/** A table whose live, removed and stray files lie there, all `ageHours` old. */
async function someTable(ageHours: number, properties: Record<string, string> = {}) {
  const root = await tempFolder();
  const store = localStore(root);
  let nowMs = NOW - ageHours * HOUR;
  const init = { schema: DAYS, partitionBy: ['day'], properties };
  const table = await createTable(store, 't', init, { nowMs: () => nowMs });
  const live = file('day=2026-01-01/live%20one.parquet', { partitionValues: { day: '2026-01-01' } });
  const removed = file('removed.parquet', { partitionValues: { day: null } });
  await table.commit({ operation: 'WRITE', add: [live, removed] });
  await table.commit({ operation: 'DELETE', readVersion: 1, remove: [removed] });
  const data = [
    'day=2026-01-01/live one.parquet',
    'removed.parquet',
    'day=2026-01-01/stray.parquet',
    '_day=x/stray.parquet',
    '_change_data/cdc-stray.parquet',
    '_hidden/file',
    '.hidden',
    'nested/_delta_log/00000000000000000000.json',
    'nested/other-table.parquet',
  ];
  for (const name of data) await store.put(`t/${name}`, new Uint8Array(10));
  await store.put('beside.parquet', new Uint8Array(10));
  const log = [0, 1, 2].map((version) => `_delta_log/0000000000000000000${version}.json`);
  for (const name of [...data, ...log]) await touch(join(root, 't', name), nowMs);
  nowMs = NOW;
  return { root, store, table };
}

async function filesOf(store: Store): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of store.list('')) if (!path.startsWith('t/_delta_log/')) paths.push(path);
  return paths;
}

const sorted = async (table: Table, options: Parameters<Table['vacuum']>[0]) =>
  (await table.vacuum(options)).files.sort();

describe('vacuum', () => {
  it('deletes what no version within the retention names, and nothing else', async () => {
    const { store, table } = await someTable(8 * 24);
    const before = await filesOf(store);
    const gone = [
      't/_change_data/cdc-stray.parquet',
      't/_day=x/stray.parquet',
      't/day=2026-01-01/stray.parquet',
      't/removed.parquet',
    ];
    expect(await sorted(table, { dryRun: true })).toEqual(gone);
    expect(await filesOf(store)).toEqual(before);
    expect(await sorted(table, {})).toEqual(gone);
    expect(await filesOf(store)).toEqual(before.filter((path) => !gone.includes(path)));
  });

  it('keeps what was removed within the retention, and what is as young as that', async () => {
    const { store, table } = await someTable(6 * 24);
    expect(await sorted(table, {})).toEqual([]);
    expect(await filesOf(store)).toContain('t/removed.parquet');
  });

  it('refuses less than the safety floor unless told', async () => {
    const { table } = await someTable(2);
    await expect(table.vacuum({ retentionHours: 1 })).rejects.toMatchObject({ kind: 'invalid' });
    await expect(table.vacuum({ retentionHours: -1, belowSafetyFloor: true })).rejects.toMatchObject({
      kind: 'invalid',
    });
    await expect(table.vacuum({ retentionHours: Number.NaN })).rejects.toMatchObject({ kind: 'invalid' });
    expect(await sorted(table, { retentionHours: 1, belowSafetyFloor: true, dryRun: true })).toContain(
      't/removed.parquet',
    );
  });

  it('has the floor that the table sets', async () => {
    const { table } = await someTable(2, { 'delta.deletedFileRetentionDuration': 'interval 1 hour' });
    expect(await sorted(table, { dryRun: true })).toContain('t/removed.parquet');
    expect(await sorted(table, { dryRun: true, retentionHours: 3 })).toEqual([]);
  });

  it('keeps what a longer retention needs, though checkpoints have dropped its tombstone', async () => {
    const { table } = await someTable(30, { 'delta.deletedFileRetentionDuration': 'interval 1 hour' });
    await table.checkpoint();
    expect(await sorted(table, { dryRun: true, retentionHours: 31 })).not.toContain('t/removed.parquet');
  });

  it('keeps a file that the log names by an address', async () => {
    const { root, store, table } = await someTable(8 * 24);
    const day = { partitionValues: { day: null } };
    const add = [file(`file://${root}/t/inside.parquet`, day), file('/mnt/moved/t/renamed.parquet', day)];
    await table.commit({ operation: 'WRITE', add });
    for (const name of ['inside.parquet', 'sub/renamed.parquet', 'other.parquet']) {
      await store.put(`t/${name}`, new Uint8Array(1));
      await touch(join(root, 't', name), NOW - 9 * 24 * HOUR);
    }
    const files = await sorted(table, { dryRun: true });
    expect(files).toContain('t/other.parquet');
    expect(files).not.toContain('t/inside.parquet');
    expect(files).not.toContain('t/sub/renamed.parquet');
  });
});

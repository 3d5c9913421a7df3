import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createTable, localStore, openTable, type Store } from '../src/index.js';
import { file, NUMBERS } from './support/tables.js';
import { tempFolder, touch } from './support/temp.js';

const DAY = 24 * 3_600_000;
const NOW = Date.UTC(2026, 5, 1);

async function logOf(store: Store): Promise<string[]> {
  const names: string[] = [];
  for await (const { path } of store.list('t/_delta_log/0'))
    names.push(path.slice('t/_delta_log/'.length).replace(/^0+(?=\d)/, ''));
  return names;
}

/** Versions 0 to 9, one a day, the newest now; checkpoints where told. */
async function dailyTable(checkpoints: number[], properties: Record<string, string>) {
  const root = await tempFolder();
  const store = localStore(root);
  const init = { schema: NUMBERS, properties: { 'delta.checkpointInterval': '1000', ...properties } };
  const table = await createTable(store, 't', init, { nowMs: () => NOW });
  for (let version = 1; version <= 9; version++) {
    await table.commit({ operation: 'WRITE', add: [file(`f${version}`)], txn: { appId: 'job', version } });
    if (checkpoints.includes(version)) await table.checkpoint();
  }
  for (let version = 0; version <= 9; version++) {
    const path = join(root, 't/_delta_log', `${String(version).padStart(20, '0')}.json`);
    await touch(path, NOW - (9 - version) * DAY);
  }
  return { root, store, table };
}

describe('cleaning the log', () => {
  it('keeps what reads every version within the retention, the commit of its checkpoint included', async () => {
    const { store, table } = await dailyTable([3, 5, 8], { 'delta.logRetentionDuration': 'interval 3 days' });
    // The newest version that is three days old is 6; 5 is the checkpoint before it.
    expect(await table.cleanLog()).toEqual({ removed: 6 });
    expect(await logOf(store)).toEqual([
      '5.checkpoint.parquet',
      '5.json',
      '6.json',
      '7.json',
      '8.checkpoint.parquet',
      '8.json',
      '9.json',
    ]);
    const fresh = await openTable(store, 't');
    for (const version of [5, 6, 7, 8, 9]) {
      const snapshot = await fresh.snapshot({ version });
      expect([snapshot.fileCount, snapshot.txn('job')]).toEqual([version, version]);
    }
    await expect(fresh.snapshot({ version: 4 })).rejects.toMatchObject({ kind: 'no-such-version' });
    expect(await table.cleanLog()).toEqual({ removed: 0 });
    expect((await table.snapshot()).fileCount).toBe(9);
  });

  it('removes nothing where no checkpoint is old enough', async () => {
    const { store, table } = await dailyTable([8], { 'delta.logRetentionDuration': 'interval 3 days' });
    expect(await table.cleanLog()).toEqual({ removed: 0 });
    expect(await logOf(store)).toHaveLength(11);
  });

  it('removes nothing where the checkpoint that would remain is broken', async () => {
    const { store, table } = await dailyTable([5], { 'delta.logRetentionDuration': 'interval 3 days' });
    await store.put('t/_delta_log/00000000000000000005.checkpoint.parquet', new Uint8Array(100));
    await expect(table.cleanLog()).rejects.toMatchObject({ kind: 'corrupt' });
    expect(await logOf(store)).toHaveLength(11);
  });

  it('goes on for those who held an older version', async () => {
    const { store, table } = await dailyTable([5], { 'delta.logRetentionDuration': 'interval 1 days' });
    const behind = await openTable(store, 't');
    await table.commit({ operation: 'WRITE', add: [file('f10')] });
    await table.checkpoint();
    await table.commit({ operation: 'WRITE', add: [file('f11')] });
    for (let version = 0; version < 10; version++)
      await store.delete(`t/_delta_log/0000000000000000000${version}.json`);
    await store.delete('t/_delta_log/00000000000000000005.checkpoint.parquet');
    expect((await behind.snapshot()).version).toBe(11);
    expect((await behind.commit({ operation: 'WRITE', add: [file('f12')] })).status).toBe('committed');
    const stale = { operation: 'DELETE', readVersion: 8, remove: [file('f1')] };
    expect(await behind.commit(stale)).toMatchObject({
      status: 'conflict',
      reason: expect.stringContaining('no longer'),
    });
  });

  it('takes the sidecars that no checkpoint names any more', async () => {
    const properties = {
      'delta.logRetentionDuration': 'interval 3 days',
      'delta.feature.v2Checkpoint': 'supported',
    };
    const { root, store, table } = await dailyTable([5], properties);
    const { protocol, metadata } = await table.snapshot();
    const v2 = [
      { checkpointMetadata: { version: 8 } },
      { protocol },
      { metaData: metadata },
      { sidecar: { path: 'used.parquet', sizeInBytes: 1, modificationTime: 1 } },
    ];
    const name = 't/_delta_log/00000000000000000008.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json';
    await store.put(name, new TextEncoder().encode(v2.map((action) => JSON.stringify(action)).join('\n')));
    for (const sidecar of ['used', 'unused', 'young']) {
      const path = `t/_delta_log/_sidecars/${sidecar}.parquet`;
      await store.put(path, new Uint8Array(1));
      await touch(join(root, path), NOW - (sidecar === 'young' ? 0 : 2 * DAY));
    }
    expect(await table.cleanLog()).toEqual({ removed: 6 });
    const left: string[] = [];
    for await (const { path } of store.list('t/_delta_log/_sidecars/')) left.push(path.slice(-14));
    expect(left.sort()).toEqual(['/young.parquet', 's/used.parquet']);
  });

  it('happens by itself after a checkpoint', async () => {
    const { store, table } = await dailyTable([5], { 'delta.logRetentionDuration': 'interval 3 days' });
    await table.setProperties({ 'delta.checkpointInterval': '1' });
    await table.commit({ operation: 'WRITE', add: [file('g')] });
    expect((await logOf(store))[0]).toBe('5.checkpoint.parquet');
  });
});

describe('the history', () => {
  it('tells what was done, newest first', async () => {
    const { table } = await dailyTable([], {});
    const all = await table.history();
    expect(all.map(({ version, operation }) => `${version} ${operation}`)).toEqual([
      ...[9, 8, 7, 6, 5, 4, 3, 2, 1].map((version) => `${version} WRITE`),
      '0 CREATE TABLE',
    ]);
    expect((await table.history({ limit: 2 })).map(({ version }) => version)).toEqual([9, 8]);
    expect(all[0]).toMatchObject({ isBlindAppend: true, engineInfo: expect.stringContaining('eventlake') });
  });
});

describe('a table that is gone', () => {
  it('is not written to as if it were there', async () => {
    const { store, table } = await dailyTable([], {});
    for await (const { path } of store.list('t/')) await store.delete(path);
    await expect(table.commit({ operation: 'WRITE', add: [file('x')] })).rejects.toMatchObject({
      kind: 'not-a-table',
    });
    expect(await logOf(store)).toEqual([]);
  });

  it('and made anew is read anew, though the version is the same', async () => {
    const root = await tempFolder();
    const store = localStore(root);
    const table = await createTable(store, 't', { schema: NUMBERS });
    await table.commit({ operation: 'WRITE', add: [file('old')] });
    expect((await table.snapshot()).version).toBe(1);
    for await (const { path } of store.list('t/')) await store.delete(path);
    const other = await createTable(store, 't', { schema: NUMBERS, name: 'another' });
    await other.commit({ operation: 'WRITE', add: [file('newer')] });
    expect((await table.snapshot()).metadata.name).toBe('another');
    expect((await table.snapshot()).files().map(({ path }) => path)).toEqual(['newer']);
  });
});

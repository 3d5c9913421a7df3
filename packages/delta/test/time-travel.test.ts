import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createTable, localStore, openTable, type Table } from '../src/index.js';
import { file, NUMBERS } from './support/tables.js';
import { tempFolder, touch } from './support/temp.js';

const T0 = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;

const commitFile = (root: string, version: number) =>
  join(root, 't/_delta_log', `${String(version).padStart(20, '0')}.json`);

/** Versions 0 to 5, the files' times as given. */
async function tableAt(
  times: number[],
  properties: Record<string, string> = {},
): Promise<{ root: string; table: Table }> {
  const root = await tempFolder();
  let nowMs = T0;
  const table = await createTable(
    localStore(root),
    't',
    { schema: NUMBERS, properties },
    { nowMs: () => nowMs },
  );
  for (let i = 1; i < times.length; i++) {
    nowMs = times[i]!;
    await table.commit({ operation: 'WRITE', add: [file(`f${i}`)] });
  }
  for (const [version, timeMs] of times.entries()) await touch(commitFile(root, version), timeMs);
  return { root, table: await openTable(localStore(root), 't') };
}

describe('the version at a time', () => {
  const hours = [0, 1, 2, 3, 4, 5].map((hour) => T0 + hour * HOUR);

  it('is the newest one committed by then', async () => {
    const { table } = await tableAt(hours);
    const at = async (timestampMs: number) => (await table.snapshot({ timestampMs })).version;
    expect(await at(T0)).toBe(0);
    expect(await at(T0 + 2 * HOUR)).toBe(2);
    expect(await at(T0 + 3 * HOUR - 1)).toBe(2);
    expect(await at(T0 + 500 * HOUR)).toBe(5);
    await expect(at(T0 - 1)).rejects.toMatchObject({ kind: 'no-such-version' });
    for (const version of [6, -1, 1.5]) {
      await expect(table.snapshot({ version })).rejects.toMatchObject({ kind: 'no-such-version' });
    }
  });

  it('goes up with versions where clocks did not', async () => {
    const { table } = await tableAt([T0, T0 + 3 * HOUR, T0 + HOUR, T0 + 2 * HOUR, T0 + 4 * HOUR]);
    expect((await table.snapshot({ timestampMs: T0 + 2 * HOUR })).version).toBe(0);
    expect((await table.snapshot({ timestampMs: T0 + 3 * HOUR + 2 })).version).toBe(3);
  });

  it('is not one whose commits have been cleaned away', async () => {
    const { root, table } = await tableAt(hours);
    const store = localStore(root);
    await (await openTable(store, 't')).checkpoint();
    await store.delete('t/_delta_log/00000000000000000000.json');
    await expect(table.snapshot({ timestampMs: T0 + HOUR })).rejects.toMatchObject({
      kind: 'no-such-version',
    });
    expect((await table.snapshot({ timestampMs: T0 + 6 * HOUR })).version).toBe(5);
  });

  it('goes by the in-commit timestamps where the table has them, whatever the files say', async () => {
    const { root, table } = await tableAt(hours, { 'delta.enableInCommitTimestamps': 'true' });
    for (let version = 0; version <= 5; version++) await touch(commitFile(root, version), T0 + 900 * HOUR);
    const fresh = await openTable(localStore(root), 't');
    expect((await fresh.snapshot()).timestampMs).toBe(T0 + 5 * HOUR);
    expect((await fresh.snapshot({ timestampMs: T0 + 3 * HOUR })).version).toBe(3);
    expect((await table.snapshot({ timestampMs: T0 + 4 * HOUR - 1 })).version).toBe(3);
    const history = await table.history();
    expect(history.map(({ timestamp }) => timestamp)).toEqual([...hours].reverse());
  });

  it('knows when in-commit timestamps began', async () => {
    const { root } = await tableAt(hours);
    let nowMs = T0 + 6 * HOUR;
    const table = await openTable(localStore(root), 't', { nowMs: () => nowMs });
    await table.setProperties({ 'delta.enableInCommitTimestamps': 'true' });
    nowMs = T0 + 5 * HOUR; // a clock that steps back
    await table.commit({ operation: 'WRITE', add: [file('late')] });
    const { metadata, timestampMs, protocol } = await table.snapshot();
    expect(metadata.configuration).toMatchObject({
      'delta.inCommitTimestampEnablementVersion': '6',
      'delta.inCommitTimestampEnablementTimestamp': String(T0 + 6 * HOUR),
    });
    expect(protocol.writerFeatures).toContain('inCommitTimestamp');
    expect(timestampMs).toBe(T0 + 6 * HOUR + 1);
    const at = async (time: number) => (await table.snapshot({ timestampMs: time })).version;
    expect(await at(T0 + 6 * HOUR)).toBe(6);
    expect(await at(T0 + 6 * HOUR - 1)).toBe(5);
    expect(await at(T0 + 6 * HOUR + 1)).toBe(7);
  });

  it('writes the commit info first where timestamps are in it', async () => {
    const { root } = await tableAt([T0, T0 + 1], { 'delta.enableInCommitTimestamps': 'true' });
    const bytes = await localStore(root).get('t/_delta_log/00000000000000000001.json');
    const first = JSON.parse(new TextDecoder().decode(bytes).split('\n')[0]!);
    expect(first.commitInfo.inCommitTimestamp).toBe(T0 + 1);
  });
});

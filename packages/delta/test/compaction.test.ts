import { describe, expect, it } from 'vitest';
import {
  type AddFile,
  compaction,
  createTable,
  type DataEngine,
  memoryStore,
  planCompaction,
  type Table,
} from '../src/index.js';
import { DAYS, file } from './support/tables.js';

const on = (path: string, size: number, more: Partial<AddFile> = {}) =>
  file(path, { size, partitionValues: { day: '2026-01-01' }, ...more });

async function tableOf(add: AddFile[]): Promise<Table> {
  const properties = { 'delta.enableDeletionVectors': 'true' };
  const table = await createTable(memoryStore(), 't', { schema: DAYS, partitionBy: ['day'], properties });
  await table.commit({ operation: 'WRITE', add });
  return table;
}

/** Writes nothing, but says what a real engine would say. */
const engine: DataEngine = {
  async rewrite(_table, _snapshot, { files, sizeBytes, partitionValues }) {
    const numRecords = files.length * 10;
    const name = `compacted-${files.map(({ path }) => path).join('-')}`;
    return [file(name, { partitionValues, size: sizeBytes, stats: JSON.stringify({ numRecords }) })];
  },
};

describe('a plan of compaction', () => {
  const plan = async (add: AddFile[], options = {}) =>
    planCompaction(await (await tableOf(add)).snapshot(), { targetBytes: 100, ...options }).map(({ files }) =>
      files.map(({ path }) => path),
    );

  it('puts neighbours of a partition together up to the target', async () => {
    const other = { partitionValues: { day: '2026-01-02' } };
    const add = [on('a', 40), on('b', 40), on('x', 10, other), on('c', 40), on('d', 10), on('y', 10, other)];
    expect(await plan(add)).toEqual([
      ['a', 'b'],
      ['c', 'd'],
      ['x', 'y'],
    ]);
  });

  it('leaves alone what is large enough or has no company', async () => {
    expect(await plan([on('a', 80), on('b', 100), on('c', 500), on('d', 10)])).toEqual([]);
    expect(await plan([on('a', 10), on('b', 10), on('c', 10)], { minFiles: 4 })).toEqual([]);
  });

  it('takes along what has deleted rows', async () => {
    const deletionVector = { storageType: 'i' as const, pathOrInlineDv: 'x', sizeInBytes: 1, cardinality: 2 };
    expect(await plan([on('a', 500, { deletionVector }), on('b', 500)])).toEqual([['a']]);
  });

  it('is bounded', async () => {
    const add = Array.from({ length: 10 }, (_, i) => on(`f${i}`, 50));
    expect(await plan(add, { maxBytes: 200 })).toEqual([
      ['f0', 'f1'],
      ['f2', 'f3'],
    ]);
  });
});

describe('compaction', () => {
  it('without an engine goes through our own: the same rows, fewer files, sorted where asked to', async () => {
    const properties = { 'delta.enableDeletionVectors': 'true' };
    const table = await createTable(memoryStore(), 't', { schema: DAYS, partitionBy: ['day'], properties });
    for (let n = 0; n < 6; n++) {
      await table.append([
        { n: 10 - n, day: '2026-01-01' },
        { n, day: n % 2 ? null : '2026-01-02' },
      ]);
    }
    await table.delete({ where: { column: 'n', op: '=', value: 7 } });
    const before = await table.scan().toArray();
    expect(await table.optimize({ sortBy: ['n'] })).toMatchObject({ status: 'committed', filesAdded: 3 });
    const after = await table.scan().toArray();
    expect(new Set(after.map(({ n, day }) => `${n} ${day}`))).toEqual(
      new Set(before.map(({ n, day }) => `${n} ${day}`)),
    );
    const first = after.filter(({ day }) => day === '2026-01-01').map(({ n }) => n);
    expect(first).toEqual([5n, 6n, 8n, 9n, 10n]);
    expect((await table.snapshot()).files().some((file) => file.deletionVector)).toBe(false);
    expect((await table.optimize()).status).toBe('nothing-to-do');
  });

  it('changes files and no rows, and finds nothing to do then', async () => {
    const table = await tableOf([on('a', 40), on('b', 40), on('c', 90)]);
    expect(await table.optimize({ engine, targetBytes: 100 })).toEqual({
      status: 'committed',
      version: 2,
      filesRemoved: 2,
      filesAdded: 1,
    });
    const snapshot = await table.snapshot();
    expect(snapshot.files().map(({ path }) => path)).toEqual(['c', 'compacted-a-b']);
    expect(snapshot.recordCount).toBe(30);
    expect((await table.optimize({ engine, targetBytes: 100 })).status).toBe('nothing-to-do');
    expect((await table.history())[0]).toMatchObject({
      operation: 'OPTIMIZE',
      operationMetrics: { numRemovedFiles: '2' },
    });
  });

  it('goes on while others append', async () => {
    const table = await tableOf([on('a', 40), on('b', 40)]);
    const slow: DataEngine = {
      async rewrite(...args) {
        await table.commit({ operation: 'WRITE', add: [on('late', 10)] });
        return engine.rewrite(...args);
      },
    };
    expect((await table.optimize({ engine: slow, targetBytes: 100 })).status).toBe('committed');
    expect((await table.snapshot()).recordCount).toBe(30);
  });

  it('gives way to a delete, and no row comes back', async () => {
    const table = await tableOf([on('a', 40), on('b', 40)]);
    const slow: DataEngine = {
      async rewrite(...args) {
        await table.commit({ operation: 'DELETE', readVersion: 1, remove: [on('a', 40)] });
        return engine.rewrite(...args);
      },
    };
    expect(await table.optimize({ engine: slow, targetBytes: 100 })).toMatchObject({
      status: 'conflict',
      filesRemoved: 0,
    });
    expect((await table.snapshot()).files().map(({ path }) => path)).toEqual(['b']);
  });

  it('is refused where the engine lost rows', async () => {
    const table = await tableOf([on('a', 40), on('b', 40)]);
    const careless: DataEngine = { rewrite: async () => [on('x', 40)] };
    await expect(table.optimize({ engine: careless, targetBytes: 100 })).rejects.toThrow(
      'read 20 rows and wrote 10',
    );
    expect((await table.snapshot()).version).toBe(1);
  });

  it('says so to readers of changes: nothing changed', async () => {
    const table = await tableOf([on('a', 40), on('b', 40)]);
    const snapshot = await table.snapshot();
    await table.commit(compaction(snapshot, [{ files: snapshot.files(), added: [on('ab', 80)] }]));
    expect((await table.snapshot()).files()[0]).toMatchObject({ path: 'ab', dataChange: false });
  });
});

import { openTable } from '@eventlake/delta';
import { expect, test } from 'vitest';
import { openEngine } from './duckdb.js';

test('rows that another engine deleted by deletion vectors: jobs refuse the table, and `table optimize` mends it', async () => {
  const { engine, store, close } = await openEngine();
  try {
    const name = 'silver.numbers';
    await engine.createTable({ name, columns: [{ name: 'n', type: 'long' }] });
    const writes = await engine.open();
    for (const version of [1, 2]) {
      const rows = `SELECT range AS n FROM range(${5 * version - 5}, ${5 * version})`;
      const prepared = await writes.prepare(name, rows);
      await writes.commit(prepared, { appId: 'job', version }, 'append');
    }
    await writes.close();
    const table = await openTable(store, 'silver/numbers');
    await table.setProperties({ 'delta.enableDeletionVectors': 'true' });
    await table.delete({ where: { column: 'n', op: '=', value: 7 } });
    expect((await table.snapshot()).files().filter(({ deletionVector }) => deletionVector)).toHaveLength(1);

    const refusal = {
      kind: 'invalid',
      message: expect.stringContaining('deletion vectors') as string,
      where: { table: 'silver/numbers' },
      hint: expect.stringContaining('eventlake table optimize silver.numbers') as string,
    };
    const session = await engine.open();
    await expect(session.readTable('numbers', name)).rejects.toMatchObject(refusal);
    await expect(engine.compact(name, { targetBytes: 2 ** 20, minFiles: 2 })).rejects.toMatchObject(refusal);

    const optimize = () => engine.optimize(name, { targetBytes: 2 ** 20 });
    expect(await optimize()).toMatchObject({ status: 'compacted', filesRemoved: 2, filesAdded: 1 });
    expect(await optimize()).toMatchObject({ status: 'nothing-to-do' });
    await session.readTable('numbers', name);
    const rows = await session.query<{ n: number }>('SELECT n FROM numbers ORDER BY n');
    expect(rows.map(({ n }) => n)).toEqual([0, 1, 2, 3, 4, 5, 6, 8, 9]);
    await session.close();
  } finally {
    await close();
  }
});

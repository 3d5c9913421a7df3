import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTable, localStore, struct } from '@eventlake/delta';
import { expect, test } from 'vitest';
import { openDuckDbDataEngine } from '../../packages/eventlake/src/engine/duckdb/data-engine.js';

test('of files that were read, nothing is kept', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'eventlake-memory-'));
  const store = localStore(folder);
  const engine = await openDuckDbDataEngine({ store });
  const connection = await engine.database.connect();
  const rowsOf = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson();
  try {
    const table = await createTable(store, 't', { schema: struct({ id: 'long' }) }, { engine });
    for (let n = 0; n < 3; n++)
      await table.append({ sql: 'SELECT (random() * 1e15)::BIGINT AS id FROM range(100000)' });
    expect(await rowsOf(`SELECT count(*) FROM read_parquet('${folder}/t/*.parquet')`)).toEqual([['300000']]);
    expect(await rowsOf(`SELECT sum(id) FROM read_parquet('${folder}/t/*.parquet')`)).toHaveLength(1);
    expect(
      await rowsOf(`SELECT tag FROM duckdb_memory() WHERE tag LIKE '%CACHE%' AND memory_usage_bytes > 4096`),
    ).toEqual([]);
  } finally {
    connection.disconnectSync();
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  }
});

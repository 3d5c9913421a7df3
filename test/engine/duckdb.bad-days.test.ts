import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { openTable } from '@eventlake/delta';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDuckDbEngine } from '../../packages/eventlake/src/engine/duckdb/engine.js';
import type { Engine } from '../../packages/eventlake/src/engine/engine.js';
import type { EventLog } from '../../packages/eventlake/src/log/event-log.js';
import { contractEvent } from '../contracts/engine.js';
import { type EngineOnDisk, openEngine } from './duckdb.js';

let disk: EngineOnDisk;
beforeEach(async () => {
  disk = await openEngine();
});
afterEach(() => disk.close());

const table = 'test.numbers';
const columns = [
  { name: 'n', type: 'long' },
  { name: 'text', type: 'string' },
] as const;

async function write(engine: Engine, sql: string, version: number): Promise<void> {
  const session = await engine.open();
  try {
    const prepared = await session.prepare(table, sql);
    await session.commit(prepared, { appId: 'test', version }, 'append');
  } finally {
    await session.close();
  }
}

async function count(engine: Engine): Promise<unknown> {
  const session = await engine.open();
  try {
    await session.readTable('numbers', table);
    return await session.query(
      'SELECT count(*) AS rows_read, sum(n) AS total FROM numbers WHERE text IS NOT NULL',
    );
  } finally {
    await session.close();
  }
}

const folder = () => join(disk.dataDir, 'lakehouse', 'test', 'numbers');
const dataFiles = async () =>
  (await readdir(folder(), { recursive: true })).filter((name) => name.endsWith('.parquet'));

describe('data files', () => {
  beforeEach(async () => {
    await disk.engine.createTable({ name: table, columns });
    await write(disk.engine, "SELECT 1 AS n, 'a' AS text", 1);
  });

  test('deleted rows do not come back by compaction', async () => {
    for (const n of [2, 3, 4]) await write(disk.engine, `SELECT ${n} AS n, 'a' AS text`, n);
    const deleting = await openTable(disk.store, 'test/numbers');
    await deleting.setProperties({ 'delta.enableDeletionVectors': 'true' });
    await write(disk.engine, "SELECT unnest([5, 6]) AS n, 'a' AS text", 5);
    await deleting.delete({ where: { column: 'n', op: '=', value: 5 } });
    const compacted = disk.engine.compact(table, { targetBytes: 1_000_000, minFiles: 4 });
    await expect(compacted).rejects.toMatchObject({ kind: 'invalid', where: { table: 'test/numbers' } });
    expect((await deleting.snapshot()).fileCount).toBe(5);
  });

  test('a missing one is named, with its table', async () => {
    const [name] = await dataFiles();
    await rm(join(folder(), name!));
    await expect(count(disk.engine)).rejects.toMatchObject({
      kind: 'corrupt',
      where: { table, file: expect.stringContaining(name!) },
    });
  });

  test.each([
    ['cut short', (file: string) => truncate(file, 100)],
    ['empty', (file: string) => truncate(file, 0)],
    ['overwritten', (file: string) => writeFile(file, 'x'.repeat(1000))],
  ])('one that is %s is named, with its table', async (_, damage) => {
    const [name] = await dataFiles();
    await damage(join(folder(), name!));
    await expect(count(disk.engine)).rejects.toMatchObject({
      kind: 'corrupt',
      where: { table, file: expect.stringContaining(name!) },
    });
  });

  test('a query that fails half-way leaves no file behind', async () => {
    const failing = `SELECT n, CASE WHEN n = 900000 THEN error('stop') ELSE 'x' END AS text FROM range(1000000) AS r(n)`;
    await expect(write(disk.engine, failing, 2)).rejects.toMatchObject({ where: { table } });
    expect(await dataFiles()).toHaveLength(1);
    expect(await count(disk.engine)).toEqual([{ rows_read: 1, total: 1 }]);
  });

  test('what is prepared and never committed is removed with the session', async () => {
    const session = await disk.engine.open();
    await session.prepare(table, "SELECT 2 AS n, 'b' AS text");
    expect(await dataFiles()).toHaveLength(2);
    await session.close();
    expect(await dataFiles()).toHaveLength(1);
  });

  test('what a batch prepared that was committed already is removed too', async () => {
    await write(disk.engine, "SELECT 2 AS n, 'b' AS text", 1);
    expect(await dataFiles()).toHaveLength(1);
  });

  test.skipIf(process.getuid?.() === 0)('a folder that cannot be written is a clear error', async () => {
    await chmod(folder(), 0o555);
    try {
      await expect(write(disk.engine, "SELECT 2 AS n, 'b' AS text", 2)).rejects.toMatchObject({
        kind: 'unavailable',
        where: { table },
      });
    } finally {
      await chmod(folder(), 0o755);
    }
  });
});

test('a file ends where it is long enough, and another begins', async () => {
  const small = await openEngine({ dataFileBytes: 1_000_000 });
  try {
    await small.engine.createTable({ name: table, columns });
    const sql = 'SELECT n, md5(CAST(n AS STRING)) AS text FROM range(1000000) AS r(n)';
    await write(small.engine, sql, 1);
    const { recordCount, fileCount } = await small.engine.tableState(table);
    expect(recordCount).toBe(1_000_000);
    expect(fileCount).toBeGreaterThan(1);
    expect(await count(small.engine)).toEqual([{ rows_read: 1_000_000, total: 499_999_500_000 }]);
  } finally {
    await small.close();
  }
});

describe('temporary files', () => {
  const tmp = () => join(disk.dataDir, 'tmp');
  const spooled = async () =>
    (await readdir(tmp(), { recursive: true })).filter((name) => name.endsWith('.lines'));

  test('go with the session, and the folder with the engine', async () => {
    const range = disk.log.add(0, ['{"page":"x"}', '[]']);
    const session = await disk.engine.open();
    await session.readLog('landed', contractEvent, [range]);
    expect(await spooled()).toHaveLength(1);
    await session.close();
    expect(await spooled()).toEqual([]);
    await disk.engine.close();
    expect(await readdir(tmp())).toEqual([]);
  });

  test('of a killed process are removed by the next; those of a living one are not', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await once(child, 'spawn');
    const left = join(tmp(), `engine_${hostname()}_${child.pid}_0123456789ab_1`);
    const elsewhere = join(tmp(), 'engine_another-host_1_0123456789ab_1');
    for (const path of [left, elsewhere]) {
      await mkdir(path);
      await writeFile(join(path, 'log-1.lines'), 'x');
    }
    child.kill('SIGKILL');
    await once(child, 'exit');
    const second = await openDuckDbEngine({
      store: disk.store,
      log: disk.log as unknown as EventLog,
      dataDir: disk.dataDir,
      memoryMb: 128,
      threads: 1,
    });
    try {
      const names = await readdir(tmp());
      expect(names).not.toContain(left.split('/').at(-1));
      expect(names).toContain(elsewhere.split('/').at(-1));
      expect(names).toHaveLength(3);
    } finally {
      await second.close();
    }
  });
});

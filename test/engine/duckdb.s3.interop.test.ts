import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openTable, s3Store } from '@eventlake/delta';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type S3Server, startS3Server } from '../../packages/delta/test/support/s3-servers.js';
import { engineContract } from '../contracts/engine.js';
import { type EngineOnDisk, openEngine } from './duckdb.js';

let server: S3Server;
beforeAll(async () => {
  server = await startS3Server('versitygw');
});
afterAll(() => server.close());

const openOnS3 = async (options: Parameters<typeof openEngine>[0] = {}): Promise<EngineOnDisk> =>
  openEngine({ store: await s3Store(`${server.url}/${randomUUID()}`, server.options), ...options });

engineContract('DuckDB on S3', async () => {
  const { engine, log, close } = await openOnS3();
  return { engine, produce: async (values, partition = 0) => log.add(partition, values), close };
});

describe('copies of remote files', () => {
  const table = {
    name: 'bronze.numbers',
    columns: [{ name: 'n', type: 'long' as const, nullable: false }],
  };

  async function write(subject: EngineOnDisk, batch: number, sql: string): Promise<void> {
    const session = await subject.engine.open();
    const prepared = await session.prepare(table.name, sql);
    await session.commit(prepared, { appId: 'job', version: batch }, 'append');
    await session.close();
  }

  async function sum(subject: EngineOnDisk): Promise<unknown> {
    const session = await subject.engine.open();
    await session.readTable('numbers', table.name);
    const rows = await session.query('SELECT CAST(sum(n) AS BIGINT) AS n FROM numbers');
    await session.close();
    return rows[0];
  }

  it('are fetched once, and again where they were lost or cut', async () => {
    const subject = await openOnS3();
    const { engine, store, dataDir } = subject;
    await engine.createTable(table);
    for (let batch = 0; batch < 5; batch++) await write(subject, batch, `SELECT ${batch} AS n`);
    const fetched: string[] = [];
    const { get } = store;
    store.get = (path, range) => {
      if (path.endsWith('.parquet')) fetched.push(path);
      return get.call(store, path, range);
    };
    expect(await sum(subject)).toEqual({ n: 10 });
    expect(fetched).toEqual([]);
    const { rm, truncate } = await import('node:fs/promises');
    const cache = join(dataDir, 'cache');
    const [first, second] = await readdir(cache);
    await rm(join(cache, first!));
    await truncate(join(cache, second!), 10);
    expect(await sum(subject)).toEqual({ n: 10 });
    expect(fetched).toHaveLength(2);
    await subject.close();
  });

  it('take no more than their share of the disk, and what is read stays readable', async () => {
    const subject = await openOnS3({ cacheBytesMax: 2_000_000 });
    await subject.engine.createTable(table);
    for (let batch = 0; batch < 8; batch++) {
      await write(subject, batch, `SELECT CAST(hash(range) >> 2 AS BIGINT) AS n FROM range(100000)`);
    }
    const session = await subject.engine.open();
    await session.readTable('numbers', table.name);
    expect(await session.query('SELECT CAST(count(*) AS BIGINT) AS n FROM numbers')).toEqual([
      { n: 800_000 },
    ]);
    const names = await readdir(join(subject.dataDir, 'cache'));
    expect(names.length).toBeLessThan(4);
    await session.close();
    await subject.close();
  });

  it('leave nothing behind of a write that no commit took', async () => {
    const subject = await openOnS3();
    await subject.engine.createTable(table);
    const session = await subject.engine.open();
    await session.prepare(table.name, 'SELECT 1 AS n');
    const listed = async () => {
      const paths: string[] = [];
      for await (const { path } of subject.store.list('bronze/')) paths.push(path);
      return paths.filter((path) => path.endsWith('.parquet'));
    };
    expect(await listed()).toHaveLength(1);
    await session.close();
    expect(await listed()).toEqual([]);
    expect((await (await openTable(subject.store, 'bronze/numbers')).snapshot()).fileCount).toBe(0);
    await subject.close();
  });
});

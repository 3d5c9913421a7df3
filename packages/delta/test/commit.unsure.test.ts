import { describe, expect, it } from 'vitest';
import { createTable, memoryStore, openTable, type Store, StoreError } from '../src/index.js';
import { file, NUMBERS } from './support/tables.js';

const append = (path: string) => ({ operation: 'WRITE', add: [file(path)] });

/** A store whose conditional put does what it is told instead, once for each entry. */
function troubled(inner: Store, troubles: ((put: () => Promise<boolean>) => Promise<boolean>)[]): Store {
  return {
    ...inner,
    putIfAbsent(path, data) {
      const trouble = path.includes('_delta_log') ? troubles.shift() : undefined;
      const put = () => inner.putIfAbsent(path, data);
      return trouble ? trouble(put) : put();
    },
  };
}

const timeOut = (): never => {
  throw new StoreError('unavailable', 'timed out', 'x');
};

describe('a commit whose answer got lost', () => {
  it('is known to have landed where it has', async () => {
    const inner = memoryStore();
    await createTable(inner, 't', { schema: NUMBERS });
    const landed = async (put: () => Promise<boolean>) => {
      await put();
      return timeOut();
    };
    const table = await openTable(troubled(inner, [landed]), 't');
    expect(await table.commit(append('a'))).toMatchObject({ status: 'committed', version: 1 });
    expect((await table.snapshot()).fileCount).toBe(1);
  });

  it('is known to have landed where the repeated request found it taken', async () => {
    const inner = memoryStore();
    await createTable(inner, 't', { schema: NUMBERS });
    const table = await openTable(troubled(inner, [async (put) => !(await put())]), 't');
    expect(await table.commit(append('a'))).toMatchObject({ status: 'committed', version: 1 });
    expect((await table.snapshot()).version).toBe(1);
  });

  it('lands after the one that did, where that was somebody else', async () => {
    const inner = memoryStore();
    const other = await createTable(inner, 't', { schema: NUMBERS });
    const lost = async () => {
      await other.commit(append('b'));
      return timeOut();
    };
    const table = await openTable(troubled(inner, [lost]), 't');
    expect(await table.commit(append('a'))).toEqual({ status: 'committed', version: 2, attempts: 2 });
  });

  it('is an error where nothing landed', async () => {
    const inner = memoryStore();
    await createTable(inner, 't', { schema: NUMBERS });
    const table = await openTable(troubled(inner, [async () => timeOut()]), 't');
    await expect(table.commit(append('a'))).rejects.toMatchObject({ kind: 'unavailable' });
    expect((await table.commit(append('a'))).status).toBe('committed');
  });
});

describe('a writer that was held up', () => {
  /** Others go on to version 30 meanwhile, and clean the log so far that version 1 is free again. */
  const overtaken =
    (other: Awaited<ReturnType<typeof openTable>>, store: Store) => async (put: () => Promise<boolean>) => {
      for (let i = 0; i < 30; i++) await other.commit(append(`o${i}`));
      await other.checkpoint();
      for (let version = 0; version < 30; version++) {
        await store.delete(`t/_delta_log/${String(version).padStart(20, '0')}.json`);
      }
      await new Promise((resolve) => setTimeout(resolve, 600));
      return put();
    };

  it('does not take a version that was taken and cleaned away for its own', async () => {
    const inner = memoryStore();
    const other = await createTable(inner, 't', { schema: NUMBERS });
    const table = await openTable(troubled(inner, [overtaken(other, inner)]), 't');
    const result = await table.commit(append('late'));
    expect(result).toMatchObject({ status: 'conflict', reason: expect.stringContaining('no longer') });
    expect((await table.snapshot()).version).toBe(30);
    expect(await table.commit(append('late'))).toMatchObject({ status: 'committed', version: 31 });
  });

  it('does not rely on its look where the log is kept for less since', async () => {
    const store = memoryStore();
    const table = await createTable(store, 't', { schema: NUMBERS });
    const other = await openTable(store, 't');
    await table.snapshot();
    await other.setProperties({ 'delta.logRetentionDuration': 'interval 0 seconds' });
    await other.commit(append('other'));
    await other.checkpoint();
    await other.cleanLog();
    const result = await table.commit({ ...append('mine'), readVersion: 0, read: 'none' });
    expect(result).toMatchObject({ status: 'conflict', version: 2 });
  });

  it('that was merely slow has its commit', async () => {
    const inner = memoryStore();
    const other = await createTable(inner, 't', { schema: NUMBERS });
    const slow = async (put: () => Promise<boolean>) => {
      const landed = await put();
      for (let i = 0; i < 3; i++) await other.commit(append(`o${i}`));
      await new Promise((resolve) => setTimeout(resolve, 600));
      return landed;
    };
    const table = await openTable(troubled(inner, [slow]), 't');
    expect(await table.commit(append('slow'))).toMatchObject({
      status: 'committed',
      version: 1,
      attempts: 1,
    });
  });
});

it('gives up after the time allowed, saying so', async () => {
  const inner = memoryStore();
  const other = await createTable(inner, 't', { schema: NUMBERS });
  let i = 0;
  const always = async () => {
    await other.commit(append(`o${i++}`));
    return false;
  };
  const table = await openTable(troubled(inner, Array(10_000).fill(always)), 't', { commitTimeoutMs: 100 });
  await expect(table.commit(append('a'))).rejects.toMatchObject({ kind: 'contention' });
});

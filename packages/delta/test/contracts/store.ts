import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Store, StoreError } from '../../src/index.js';

/** What every store must do; called by the test of each. */
export function storeContract(
  name: string,
  open: () => Promise<{ store: Store; close: () => Promise<void> }>,
): void {
  describe(`${name} is a store`, () => {
    let store: Store;
    let close: () => Promise<void>;
    beforeEach(async () => {
      ({ store, close } = await open());
    });
    afterEach(() => close());

    it('gives back what was put, whole or a range of it', async () => {
      await store.put('a/b.txt', bytes('hello'));
      expect(text(await store.get('a/b.txt'))).toBe('hello');
      expect(text(await store.get('a/b.txt', { start: 1, end: 3 }))).toBe('el');
      expect(text(await store.get('a/b.txt', { start: 3, end: 100 }))).toBe('lo');
      expect(text(await store.get('a/b.txt', { start: 9, end: 12 }))).toBe('');
    });

    it('replaces with put and never with putIfAbsent', async () => {
      expect(await store.putIfAbsent('x', bytes('first'))).toBe(true);
      expect(await store.putIfAbsent('x', bytes('second'))).toBe(false);
      expect(text(await store.get('x'))).toBe('first');
      await store.put('x', bytes('third'));
      expect(text(await store.get('x'))).toBe('third');
    });

    it('lets exactly one of many win a name', async () => {
      const won = await Promise.all(
        Array.from({ length: 20 }, (_, i) => store.putIfAbsent('race/0.json', bytes(String(i)))),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(text(await store.get('race/0.json'))).toBe(String(won.indexOf(true)));
    });

    it('says that an object is not there', async () => {
      await expect(store.get('missing/object')).rejects.toMatchObject({
        kind: 'not-found',
        path: 'missing/object',
      });
    });

    it('lists by prefix, sorted by the bytes of the whole path', async () => {
      const paths = ['t/a-b', 't/a/b', 't/a/c', 't/b/x', 't/é', 't/\u{ffee}', 't/\u{1f600}', 'u/a'];
      for (const path of paths) await store.put(path, bytes(path));
      const sorted = [...paths].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(await list(store, '')).toEqual(sorted);
      expect(await list(store, 't/')).toEqual(sorted.filter((path) => path.startsWith('t/')));
      expect(await list(store, 't/a')).toEqual(['t/a-b', 't/a/b', 't/a/c']);
      expect(await list(store, 't/', 't/a/b')).toEqual(
        sorted.filter((p) => p.startsWith('t/') && after(p, 't/a/b')),
      );
      expect(await list(store, 'nowhere/')).toEqual([]);
    });

    it('tells size and time in a listing', async () => {
      const before = Date.now();
      await store.put('f', bytes('12345'));
      for await (const entry of store.list('')) {
        expect(entry.sizeBytes).toBe(5);
        expect(Math.abs(entry.modifiedMs - before)).toBeLessThan(60_000);
      }
    });

    it('tells the same of one object, where it can', async () => {
      if (!store.stat) return;
      await store.put('a/f', bytes('12345'));
      for await (const entry of store.list('')) expect(await store.stat('a/f')).toEqual(entry);
      expect(await store.stat('a/g')).toBeUndefined();
      expect(await store.stat('b/f')).toBeUndefined();
      expect(await store.stat('a')).toBeUndefined();
      await expect(store.stat('../a/f')).rejects.toMatchObject({ kind: 'forbidden' });
    });

    it('deletes, and deleting what is not there is no error', async () => {
      await store.put('a/b', bytes('x'));
      await store.delete('a/b');
      await store.delete('a/b');
      await store.delete('never/was');
      expect(await list(store, '')).toEqual([]);
    });

    it.each(['../x', 'a/../../x', '/etc/passwd', 'a//b', './a', 'a/.', '', 'a\0b', 'a\\b'])(
      'refuses the path %j',
      async (path) => {
        await expect(store.get(path)).rejects.toBeInstanceOf(StoreError);
        await expect(store.put(path, bytes('x'))).rejects.toMatchObject({ kind: 'forbidden' });
        await expect(store.putIfAbsent(path, bytes('x'))).rejects.toMatchObject({ kind: 'forbidden' });
        await expect(store.delete(path)).rejects.toMatchObject({ kind: 'forbidden' });
      },
    );
  });
}

async function list(store: Store, prefix: string, startAfter?: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of store.list(prefix, startAfter === undefined ? {} : { startAfter }))
    paths.push(path);
  return paths;
}

function after(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) > 0;
}

const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const text = (value: Uint8Array): string => new TextDecoder().decode(value);

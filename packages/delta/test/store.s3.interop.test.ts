import { randomBytes, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type S3Options, type Store, s3Store } from '../src/index.js';
import { storeContract } from './contracts/store.js';
import { type S3Server, s3Servers, startS3Server } from './support/s3-servers.js';
import { tempFolder } from './support/temp.js';

describe.each(s3Servers)('%s', (name) => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startS3Server(name);
  });
  afterAll(() => server.close());

  const open = (options: S3Options = {}): Promise<Store> =>
    s3Store(`${server.url}/${randomUUID()}/deep`, { ...server.options, ...options });

  // With several connections at once moto lets several win.
  const connections = name === 'moto' ? { connectionsMax: 1 } : {};
  storeContract('a prefix of a bucket', async () => ({
    store: await open(connections),
    close: async () => {},
  }));

  it('lists beyond a page, from wherever one starts', async () => {
    const store = await open();
    const paths = Array.from({ length: 1010 }, (_, i) => `log/${String(i).padStart(5, '0')}.json`);
    for (let i = 0; i < paths.length; i += 50) {
      await Promise.all(paths.slice(i, i + 50).map((path) => store.put(path, Uint8Array.of(1))));
    }
    expect(await listed(store, 'log/')).toEqual(paths);
    expect(await listed(store, 'log/', 'log/00100.json')).toEqual(paths.slice(101));
    expect(await listed(store, 'log/', 'log/01005')).toEqual(paths.slice(1005));
  });

  it('takes every name that a path may have', async () => {
    const store = await open();
    const names = [
      'a b',
      'a+b',
      'a%20b',
      'a=b',
      "a'b",
      'a&b',
      'a"b',
      'ä',
      '日本',
      'a:b',
      'a,b;c',
      'a#b',
      'a?b',
    ];
    const paths = names.map((name) => `names/${name}.txt`);
    for (const path of paths) await store.put(path, Buffer.from(path));
    const sorted = [...paths].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(await listed(store, 'names/')).toEqual(sorted);
    for (const path of paths) expect(Buffer.from(await store.get(path)).toString()).toBe(path);
    for (const path of paths) await store.delete(path);
    expect(await listed(store, '')).toEqual([]);
  });

  it('uploads a large file in parts, and bytes that are in memory', async () => {
    const partBytes = 5 * 2 ** 20;
    const store = await open({ partBytes });
    const bytes = randomBytes(3 * partBytes + 17);
    const file = join(await tempFolder(), 'large');
    await writeFile(file, bytes);
    await store.putFile!('large', file);
    expect(bytes.equals(await store.get('large'))).toBe(true);
    expect(await store.get('large', { start: partBytes - 1, end: partBytes + 1 })).toEqual(
      new Uint8Array(bytes.subarray(partBytes - 1, partBytes + 1)),
    );
    await writeFile(file, '');
    await store.putFile!('large', file);
    expect(await store.get('large')).toHaveLength(0);
  });

  it('says who may not, and where there is no bucket', async () => {
    const credentials = { accessKeyId: 'nobody', secretAccessKey: 'wrong' };
    const nowhere = await s3Store('s3://no-such-bucket/x', server.options);
    await expect(nowhere.get('a')).rejects.toMatchObject({
      kind: 'forbidden',
      hint: expect.stringMatching(/bucket/),
    });
    await expect(listed(nowhere, '')).rejects.toMatchObject({ kind: 'forbidden' });
    if (name === 'moto') return; // It lets everybody in.
    const store = await open({ credentials });
    const error = await store.put('a', Uint8Array.of(1)).catch((error: unknown) => error);
    expect(error).toMatchObject({ kind: 'forbidden', hint: expect.stringContaining('AWS_ACCESS_KEY_ID') });
    expect(JSON.stringify(error) + String((error as Error).stack)).not.toContain('wrong');
  });
});

it.each(['http://bucket/x', 's3://', 's3://bucket/../x', 's3://key:secret@bucket/x', 's3://bucket/a//b'])(
  'refuses the address %s',
  async (url) => {
    await expect(s3Store(url)).rejects.toMatchObject({ kind: 'forbidden' });
  },
);

async function listed(store: Store, prefix: string, startAfter?: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of store.list(prefix, startAfter === undefined ? {} : { startAfter }))
    paths.push(path);
  return paths;
}

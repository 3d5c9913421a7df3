import { randomBytes, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTable, openTable, type S3Options, type Store, s3Store } from '../src/index.js';
import { eightProcesses } from './support/eight-processes.js';
import { type Fault, type FaultyProxy, faultyProxy } from './support/faulty-proxy.js';
import { type S3Server, startS3Server } from './support/s3-servers.js';
import { file, NUMBERS } from './support/tables.js';
import { tempFolder } from './support/temp.js';

let server: S3Server;
let proxy: FaultyProxy;
let store: Store;
/** The same place, with nothing in between. */
let direct: Store;

beforeAll(async () => {
  server = await startS3Server('versitygw');
  proxy = await faultyProxy(server.endpoint);
});
afterAll(async () => {
  await proxy.close();
  await server.close();
});
beforeEach(async () => {
  proxy.decide = () => undefined;
  const url = `${server.url}/${randomUUID()}`;
  direct = await s3Store(url, server.options);
  store = await open(url);
  // Checks the store, so that the faults of a test hit what the test does.
  await store.putIfAbsent('warm', bytes('up'));
});

const open = (url: string, options: S3Options = {}): Promise<Store> =>
  s3Store(url, { ...server.options, endpoint: proxy.endpoint, requestTimeoutMs: 1000, ...options });

/** The faults for the next requests of a kind, one after the other. */
function faults(method: string, ...list: Fault[]): void {
  proxy.decide = (request) => (request.method === method ? list.shift() : undefined);
}

describe('a conditional put', () => {
  it.each(['slow-down', 'cut-before', 'hang-after', 'cut-after', 'error-after', 'sent-twice'] as const)(
    'is known to have landed through the fault %s',
    async (fault) => {
      faults('PUT', fault);
      expect(await store.putIfAbsent('a', bytes('mine'))).toBe(true);
      expect(text(await direct.get('a'))).toBe('mine');
      expect(await store.putIfAbsent('a', bytes('mine'))).toBe(false);
    },
  );

  it.each(['slow-down', 'cut-before', 'hang-after', 'cut-after', 'error-after', 'sent-twice'] as const)(
    'is known to have lost through the fault %s, even against the same bytes',
    async (fault) => {
      await direct.putIfAbsent('a', bytes('same'));
      faults('PUT', fault);
      expect(await store.putIfAbsent('a', bytes('same'))).toBe(false);
    },
  );

  it('finds out whose the object is through faults of that question, too', async () => {
    const puts: Fault[] = ['hang-after', 'cut-after'];
    const heads: Fault[] = ['slow-down', 'hang-after', 'cut-before'];
    proxy.decide = ({ method }) => (method === 'PUT' ? puts : method === 'HEAD' ? heads : []).shift();
    expect(await store.putIfAbsent('a', bytes('mine'))).toBe(true);
  });

  it('lets one of many win where every second request goes wrong', async () => {
    let requests = 0;
    const all: Fault[] = ['slow-down', 'cut-after', 'sent-twice', 'error-after', 'cut-before', 'hang-after'];
    proxy.decide = () => (++requests % 2 === 0 ? all[(requests / 2) % all.length] : undefined);
    const won = await Promise.all(
      Array.from({ length: 20 }, (_, i) => store.putIfAbsent('race', bytes(String(i)))),
    );
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(text(await direct.get('race'))).toBe(String(won.indexOf(true)));
  });

  it('is unavailable where nothing answers for the time that was allowed', async () => {
    const impatient = await open(store.url, { retryTimeoutMs: 300, requestTimeoutMs: 200 });
    proxy.decide = () => 'slow-down';
    await expect(impatient.putIfAbsent('a', bytes('x'))).rejects.toMatchObject({ kind: 'unavailable' });
    proxy.decide = () => 'hang-after';
    await expect(impatient.get('warm')).rejects.toMatchObject({ kind: 'unavailable' });
  });
});

describe('reading', () => {
  const whole = randomBytes(300_000);
  beforeEach(() => direct.put('data', whole));

  it.each([
    'slow-down',
    'cut-before',
    'hang-after',
    'drip',
    'stall-in-body',
    'cut-in-body',
    'no-length',
  ] as const)('gives every byte through the fault %s', async (fault) => {
    faults('GET', fault, fault);
    expect(whole.equals(await store.get('data'))).toBe(true);
    faults('GET', fault, fault);
    expect(
      whole.subarray(70_000, 200_001).equals(await store.get('data', { start: 70_000, end: 200_001 })),
    ).toBe(true);
  });

  it('notices a range that is shorter than what was asked for', async () => {
    faults('GET', 'half-of-body');
    expect(whole.subarray(5, 100_000).equals(await store.get('data', { start: 5, end: 100_000 }))).toBe(true);
  });

  it('lists everything through faults', async () => {
    faults('GET', 'cut-in-body', 'slow-down', 'half-of-body', 'stall-in-body', 'hang-after');
    const paths: string[] = [];
    for await (const { path } of store.list('')) paths.push(path);
    expect(paths).toEqual(['data', 'warm']);
  });
});

it('an upload in parts arrives whole through faults at each of its requests', async () => {
  const bytes = randomBytes(11 * 2 ** 20);
  const path = join(await tempFolder(), 'large');
  await writeFile(path, bytes);
  for (const fault of ['slow-down', 'cut-before', 'cut-after', 'error-after'] as const) {
    const met = new Set<string>();
    // Once for each request: beginning, part, completing.
    proxy.decide = ({ method, path }) => {
      const key = `${method} ${path} ${proxy.seen.length % 2}`;
      if (met.has(key)) return undefined;
      met.add(key);
      return fault;
    };
    await (await open(store.url, { partBytes: 5 * 2 ** 20 })).putFile!(`large-${fault}`, path);
    proxy.decide = () => undefined;
    expect(bytes.equals(await direct.get(`large-${fault}`))).toBe(true);
  }
});

describe('a store that cannot do it', () => {
  let moto: S3Server;
  let lax: FaultyProxy;
  beforeAll(async () => {
    // It checks no signatures, so that headers can be taken away on the way.
    moto = await startS3Server('moto');
    lax = await faultyProxy(moto.endpoint);
  });
  afterAll(async () => {
    await lax.close();
    await moto.close();
  });

  it.each([
    ['drop-condition', /ignores it/],
    ['drop-metadata', /does not keep the metadata/],
  ] as const)('is refused with the reason: %s', async (fault, reason) => {
    lax.decide = () => fault;
    const old = await s3Store(`${moto.url}/${fault}`, { ...moto.options, endpoint: lax.endpoint });
    await expect(createTable(old, 't', { schema: NUMBERS })).rejects.toMatchObject({
      kind: 'unsupported',
      message: expect.stringMatching(reason),
      hint: expect.stringContaining('conditional'),
    });
    const left: string[] = [];
    for await (const { path } of old.list('')) left.push(path);
    expect(left).toEqual([]);
  });
});

it('8 writers through a bad network: every commit lands once, and everybody knows which', async () => {
  let state = 42;
  const random = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
  const bad: Fault[] = [
    'slow-down',
    'cut-after',
    'sent-twice',
    'error-after',
    'cut-before',
    'cut-in-body',
    'hang-after',
  ];
  proxy.decide = () => (random() < 0.1 ? bad[Math.floor(random() * bad.length)] : undefined);
  await createTable(store, 't', { schema: NUMBERS, properties: { 'delta.checkpointInterval': '10' } });
  const committed = await Promise.all(
    Array.from({ length: 8 }, async (_, writer) => {
      const table = await openTable(await open(store.url), 't', { commitTimeoutMs: 300_000 });
      const versions: number[] = [];
      for (let i = 0; i < 6; i++) {
        const result = await table.commit({ operation: 'WRITE', add: [file(`w${writer}-${i}`)] });
        expect(result.status).toBe('committed');
        versions.push(result.version);
      }
      return versions;
    }),
  );
  proxy.decide = () => undefined;
  const versions = committed.flat().sort((a, b) => a - b);
  expect(versions).toEqual(Array.from({ length: 48 }, (_, i) => i + 1));
  const snapshot = await (await openTable(direct, 't')).snapshot();
  expect(snapshot.version).toBe(48);
  const names = snapshot.files().map(({ path }) => path);
  expect(new Set(names).size).toBe(48);
  expect(names).toHaveLength(48);
});

it('8 processes through a bad network: every commit is accounted for, every snapshot adds up', async () => {
  let requests = 0;
  const bad: Fault[] = ['slow-down', 'cut-after', 'sent-twice', 'error-after', 'cut-before', 'cut-in-body'];
  proxy.decide = () => (++requests % 20 === 0 ? bad[(requests / 20) % bad.length] : undefined);
  await eightProcesses(direct, store.url, 10_000, {
    env: { ...server.env, TEST_S3_ENDPOINT: proxy.endpoint },
    retention: 'interval 2 seconds',
  });
}, 180_000);

const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const text = (value: Uint8Array): string => new TextDecoder().decode(value);

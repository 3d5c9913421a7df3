import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createTable, DeltaError, memoryStore, openTable, type Store, StoreError } from '../src/index.js';
import { file, NUMBERS } from './support/tables.js';

/** What happens to one of the log's files. */
const damage = fc.oneof(
  fc.record({ kind: fc.constant('cut' as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({
    kind: fc.constant('flip' as const),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    bits: fc.integer({ min: 1, max: 255 }),
  }),
  fc.record({ kind: fc.constant('twice' as const) }),
  fc.record({ kind: fc.constant('gone' as const) }),
  fc.record({ kind: fc.constant('other' as const), text: fc.json({ maxDepth: 5 }) }),
  fc.record({
    kind: fc.constant('path' as const),
    path: fc.constantFrom(
      '../secret',
      '/secret',
      'file:///secret',
      '%2e%2e/secret',
      'a/../../secret',
      's3://x/y',
    ),
  }),
);

/** A table with a checkpoint, a V2 one with sidecars, positions and tombstones. */
async function someTable(): Promise<Map<string, Uint8Array>> {
  const store = memoryStore();
  const properties = { 'delta.checkpointPolicy': 'v2', 'delta.checkpointInterval': '3' };
  const table = await createTable(store, 't', { schema: NUMBERS, properties }, { sidecarActionsMax: 2 });
  for (let i = 1; i < 6; i++) {
    await table.commit({ operation: 'WRITE', add: [file(`f${i}`)], txn: { appId: 'a', version: i } });
  }
  const objects = new Map<string, Uint8Array>();
  for await (const { path } of store.list('')) objects.set(path, await store.get(path));
  return objects;
}

it('whatever is damaged in a log, it is read or refused with an error of our own; nothing is written, nothing outside is read', async () => {
  const whole = await someTable();
  const names = [...whole.keys()];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(), damage), { minLength: 1, maxLength: 3 }),
      async (damages) => {
        const store = memoryStore();
        await store.put('secret', new TextEncoder().encode('secret'));
        const objects = new Map(whole);
        for (const [which, how] of damages) {
          const name = names[which % names.length]!;
          const bytes = objects.get(name);
          if (bytes) objects.set(name, damaged(bytes, how) ?? new Uint8Array());
          if (how.kind === 'gone') objects.delete(name);
        }
        for (const [path, bytes] of objects) await store.put(path, bytes);
        const touched: string[] = [];
        await read(watched(store, touched));
        expect(touched.filter((path) => !/^t(\/|$)/.test(path))).toEqual([]);
      },
    ),
    { numRuns: 300 },
  );
});

async function read(store: Store): Promise<void> {
  try {
    const table = await openTable(store, 't');
    const snapshot = await table.snapshot();
    snapshot.files({ column: 'n', op: '=', value: 5 });
    void [snapshot.recordCount, snapshot.schema];
    await table.history();
    await table.scan().toArray();
  } catch (error) {
    if (!(error instanceof DeltaError || error instanceof StoreError)) throw error;
  }
}

/** Every path that is asked for; a write is an error that nobody expects. */
function watched(store: Store, touched: string[]): Store {
  const write = (path: string): never => {
    throw new Error(`${path} was written`);
  };
  return {
    ...store,
    get: (path, range) => {
      touched.push(path);
      return store.get(path, range);
    },
    list: (prefix, options) => {
      touched.push(prefix);
      return store.list(prefix, options);
    },
    put: async (path) => write(path),
    putIfAbsent: async (path) => write(path),
    delete: async (path) => write(path),
  };
}

type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

function damaged(bytes: Uint8Array, how: Damage): Uint8Array | undefined {
  const text = (of: string): Uint8Array => new TextEncoder().encode(of);
  switch (how.kind) {
    case 'cut':
      return bytes.slice(0, Math.floor(bytes.length * how.at));
    case 'flip': {
      const copy = bytes.slice();
      const at = Math.min(copy.length - 1, Math.floor(copy.length * how.at));
      if (at >= 0) copy[at] = copy[at]! ^ how.bits;
      return copy;
    }
    case 'twice':
      return Uint8Array.from([...bytes, ...bytes]);
    case 'other':
      return text(how.text);
    case 'path':
      return text(new TextDecoder().decode(bytes).replaceAll(/"path":"[^"]*"/g, `"path":"${how.path}"`));
    case 'gone':
      return undefined;
  }
}

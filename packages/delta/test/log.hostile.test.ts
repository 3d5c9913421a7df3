import { beforeEach, describe, expect, it } from 'vitest';
import {
  createTable,
  type DeltaErrorKind,
  dataFilePath,
  memoryStore,
  openTable,
  type Store,
} from '../src/index.js';
import { file, NUMBERS } from './support/tables.js';

const SECOND = 't/_delta_log/00000000000000000001.json';
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const line = (action: object): string => `${JSON.stringify(action)}\n`;
const deep = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const struct = (depth: number): string =>
  depth === 0
    ? '"long"'
    : `{"type":"struct","fields":[{"name":"a","nullable":true,"metadata":{},"type":${struct(depth - 1)}}]}`;
const schemaOf = (schemaString: string): string =>
  line({ metaData: { id: 'x', schemaString, partitionColumns: [] } });

/** Whatever lies in the log: an error that says what and where, and nothing written. */
describe('a log is refused that has', () => {
  let store: Store;
  beforeEach(async () => {
    store = memoryStore();
    await createTable(store, 't', { schema: NUMBERS });
  });

  it.each<[string, string | Uint8Array, DeltaErrorKind?]>([
    ['no JSON', 'nonsense'],
    ['half a line', line({ add: file('a') }).slice(0, 40)],
    ['bytes that are no text', Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d)],
    ['NUL bytes', '\0\0\0\0'],
    ['a scalar', '42'],
    ['an array', '[]'],
    ['arrays in arrays without end', deep(200_000)],
    ['objects in objects without end', '{"add":'.repeat(100_000)],
    ['an add without a path', line({ add: { ...file('a'), path: undefined } })],
    ['an add without a size', line({ add: { ...file('a'), size: 'big' } })],
    ['a negative size', line({ add: { ...file('a'), size: -1 } })],
    ['a path that leads out', line({ add: file('../../etc/passwd') })],
    ['a path that leads out, escaped', line({ add: file('%2e%2e/%2e%2e/etc/passwd') })],
    ['a path that leads out in the middle', line({ add: file('a/../../b') })],
    ['a path with backslashes that leads out', line({ add: file('..\\..\\b') })],
    ['a path with NUL', line({ add: file('a\0b') })],
    ['a removal that leads out', line({ remove: { path: '../x', dataChange: true } })],
    ['partition values that are none', line({ add: { ...file('a'), partitionValues: { day: 5 } } })],
    ['a deletion vector that is none', line({ add: { ...file('a'), deletionVector: { storageType: 'z' } } })],
    ['the same file twice', line({ add: file('a') }) + line({ add: file('a') })],
    [
      'the same file added and removed',
      line({ add: file('a') }) + line({ remove: { path: 'a', dataChange: true } }),
    ],
    ['the same file twice, once escaped', line({ add: file('a b') }) + line({ add: file('a%20b') })],
    ['two protocols', line({ protocol: { minReaderVersion: 1, minWriterVersion: 2 } }).repeat(2)],
    ['two schemas', schemaOf(JSON.stringify(NUMBERS)).repeat(2)],
    ['one position twice', line({ txn: { appId: 'a', version: 1 } }).repeat(2)],
    ['a position that is no number', line({ txn: { appId: 'a', version: '1' } })],
    ['a protocol without versions', line({ protocol: {} })],
    ['a protocol that is a list', line({ protocol: [1, 2] })],
  ])('%s', async (_, content, kind = 'corrupt') => {
    await store.put(SECOND, typeof content === 'string' ? encode(content) : content);
    const expected = { name: 'DeltaError', kind, where: { table: 't', version: 1 } };
    await expect(openTable(store, 't')).rejects.toMatchObject(expected);
    const paths: string[] = [];
    for await (const { path } of store.list('')) paths.push(path);
    expect(paths).toHaveLength(2);
  });

  it.each<[string, string]>([
    ['that is no JSON', '{'],
    ['that is no struct', '"long"'],
    ['nested without end', struct(500)],
    ['with fields that are none', '{"type":"struct","fields":[5]}'],
    ['without fields', '{"type":"struct"}'],
  ])('a schema %s', async (_, schemaString) => {
    await store.put(SECOND, encode(schemaOf(schemaString)));
    const snapshot = await (await openTable(store, 't')).snapshot();
    expect(() => snapshot.schema).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  });

  it('a gap', async () => {
    await store.put('t/_delta_log/00000000000000000002.json', encode(line({ add: file('a') })));
    await expect(openTable(store, 't')).rejects.toThrow('version 1 is missing');
  });

  it.each([
    ['protocol', schemaOf(JSON.stringify(NUMBERS))],
    ['metadata', line({ protocol: { minReaderVersion: 1, minWriterVersion: 2 } })],
  ])('no %s', async (what, content) => {
    const other = memoryStore();
    await other.put('t/_delta_log/00000000000000000000.json', encode(content));
    await expect(openTable(other, 't')).rejects.toThrow(`no ${what}`);
  });

  it('a version that no number can hold', async () => {
    await store.put('t/_delta_log/09223372036854775807.json', encode(line({ add: file('a') })));
    expect((await (await openTable(store, 't')).snapshot()).version).toBe(0);
  });
});

describe('a log is read that has', () => {
  it('actions, fields and files that nobody knows', async () => {
    const store = memoryStore();
    await createTable(store, 't', { schema: NUMBERS });
    const known = { add: { ...file('a'), futureField: { x: [1] }, deletionVector: null } };
    await store.put(SECOND, encode(`\n${line({ futureAction: { path: '../x' } })}${line(known)}\n`));
    for (const name of [
      '_unknown',
      '00000000000000000001.crc',
      'x.json',
      '0.json',
      '00000000000000000000.json.tmp',
    ]) {
      await store.put(`t/_delta_log/${name}`, encode('?'));
    }
    expect((await (await openTable(store, 't')).snapshot()).files().map(({ path }) => path)).toEqual(['a']);
  });

  it('names that JavaScript has itself', async () => {
    const store = memoryStore();
    await createTable(store, 't', { schema: NUMBERS });
    const names = ['__proto__', 'constructor', 'toString'];
    const content = names.map(
      (name) => line({ add: file(name) }) + line({ txn: { appId: name, version: 1 } }),
    );
    await store.put(SECOND, encode(content.join('')));
    const snapshot = await (await openTable(store, 't')).snapshot();
    expect(snapshot.files().map(({ path }) => path)).toEqual(names);
    expect(names.map((name) => snapshot.txn(name))).toEqual([1, 1, 1]);
    expect(snapshot.txn('valueOf')).toBeUndefined();
  });
});

describe('a data file is looked for', () => {
  it.each([
    ['a.parquet', 't/a.parquet'],
    ['day=2026-01-01/a%20b.parquet', 't/day=2026-01-01/a b.parquet'],
    ['100%25.parquet', 't/100%.parquet'],
    ['a//./b.parquet', 't/a/b.parquet'],
    ['file:///lake/t/a%20b.parquet', 't/a b.parquet'],
    ['file:/lake/t/x/a.parquet', 't/x/a.parquet'],
    ['/lake/t/a.parquet', 't/a.parquet'],
  ])('below the table: %s', (path, expected) => {
    expect(dataFilePath('file:///lake', 't', path)).toBe(expected);
  });

  it.each([
    '/etc/passwd',
    'file:///etc/passwd',
    '/lake/t/../u/a',
    '/lake/tt/a',
    's3://other/t/a',
    '../a',
    'a%2f..%2f..%2fb',
  ])('nowhere else: %s', (path) => {
    expect(() => dataFilePath('file:///lake', 't', path)).toThrow('outside the table');
  });
});

import { execFile, spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { createTable, memoryStore, type Scan, struct } from '../src/index.js';
import { canonicalRows } from './judges/canonical.js';
import { JUDGED } from './judges/tables.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const SCRIPT = fileURLToPath(new URL('judges/arrow.py', import.meta.url));

interface Found {
  schema: [name: string, type: string, nullable: boolean][];
  nulls: number[];
  batches: number[];
  rows: string[];
}

/** What pyarrow, which checks everything that it can, reads from a scan. */
async function judged(scan: Scan): Promise<Found> {
  const child = spawn(`${ROOT}/.cache/delta-rs/bin/python`, [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [answer] = await Promise.all([
    text(child.stdout),
    pipeline(Readable.from(scan.arrow()), child.stdin),
  ]);
  return JSON.parse(answer) as Found;
}

describe('pyarrow reads what a scan gives as Arrow', () => {
  beforeAll(async () => {
    await promisify(execFile)(`${ROOT}/scripts/setup-delta-rs`);
  });

  test.each(JUDGED.map(({ name, write }) => ({ name, write })))('of a table $name', async ({ write }) => {
    const table = await write(memoryStore(), 't');
    const { schema } = await table.snapshot();
    const { rows } = await judged(table.scan());
    expect(rows).toEqual(canonicalRows(await table.scan().toArray(), schema));
  });

  test('with the types of the table', async () => {
    const table = await JUDGED[0]!.write(memoryStore(), 't');
    const { schema } = await judged(table.scan());
    expect(schema).toEqual([
      ['id', 'int64', false],
      ['b', 'bool', true],
      ['i8', 'int8', true],
      ['i16', 'int16', true],
      ['i32', 'int32', true],
      ['i64', 'int64', true],
      ['f32', 'float', true],
      ['f64', 'double', true],
      ['d9', 'decimal128(9, 2)', true],
      ['d18', 'decimal128(18, 4)', true],
      ['d38', 'decimal128(38, 10)', true],
      ['text', 'string', true],
      ['day', 'date32[day]', true],
      ['at', 'timestamp[us, tz=UTC]', true],
      ['bytes', 'binary', true],
      ['pair', 'struct<x: int32, y: string>', true],
      ['list', 'list<element: int64>', true],
      ['dict', 'map<string, double>', true],
      ['deep', 'list<element: struct<k: string, v: map<int32, list<element: string>>>>', true],
    ]);
  });

  test('with timestamps without a zone, columns of nothing, and names that are no names in JavaScript', async () => {
    const schema = struct({ local: 'timestamp_ntz', nothing: 'void', ['__proto__']: 'string' });
    const table = await createTable(memoryStore(), 't', { schema });
    const row = Object.fromEntries([
      ['local', '1969-12-31T23:59:59.999999'],
      ['__proto__', 'text'],
    ]);
    await table.append([row, {}]);
    const found = await judged(table.scan());
    expect(found.schema).toEqual([
      ['local', 'timestamp[us]', true],
      ['nothing', 'null', true],
      ['__proto__', 'string', true],
    ]);
    expect(found.rows).toEqual(['["t-1",null,"text"]', '[null,null,null]']);
    expect(found.nulls).toEqual([1, 2, 1]);
  });

  test('chosen columns in their order, the rows of a predicate, of a version; nothing at all', async () => {
    const table = await createTable(memoryStore(), 't', { schema: struct({ id: 'long', name: 'string' }) });
    await table.append(
      Array.from({ length: 100_000 }, (_, i) => ({ id: i, name: i % 3 ? `name ${i}` : null })),
    );
    await table.delete({ where: { column: 'id', op: '>=', value: 90_000 } });
    const where = { column: 'id', op: '<', value: 70_000 } as const;
    const some = await judged(table.scan({ columns: ['name', 'id'], where }));
    expect(some.schema.map(([name]) => name)).toEqual(['name', 'id']);
    expect(some.batches).toEqual([32_768, 32_768, 4_464]);
    expect(some.nulls).toEqual([23_334, 0]);
    expect(some.rows).toContain('["name 69998","i69998"]');
    const before = await judged(table.scan({ columns: ['id'], version: 1 }));
    expect(before.rows).toHaveLength(100_000);
    const none = await judged(table.scan({ where: { column: 'id', op: '<', value: 0 } }));
    expect([none.schema.length, none.batches]).toEqual([2, []]);
  });
});

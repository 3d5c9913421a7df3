import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine, EngineSession } from '../../packages/eventlake/src/engine/engine.js';
import {
  defineEvent,
  type EventDefinition,
  integer,
  text,
  timestamp,
  uuid,
} from '../../packages/eventlake/src/index.js';
import type { OffsetRange } from '../../packages/eventlake/src/log/event-log.js';
import type { TableDefinition } from '../../packages/eventlake/src/schema/definition.js';

export interface EngineUnderTest {
  engine: Engine;
  /** Appends the records, in this order, to one partition of the event's topic. */
  produce(values: readonly (Uint8Array | string | null)[], partition?: number): Promise<OffsetRange>;
  close(): Promise<void>;
}

/** The event whose topic `produce` appends to. */
export const contractEvent: EventDefinition = defineEvent({
  name: 'visits',
  topic: 'visits',
  id: 'visit_id',
  time: 'visited_at',
  key: 'page',
  fields: { visit_id: uuid(), clicks: integer().optional(), page: text(), visited_at: timestamp() },
});

/** What every engine promises. SQL here is in the subset that all of them run. */
export function engineContract(name: string, open: () => Promise<EngineUnderTest>): void {
  describe(`engine contract: ${name}`, () => {
    let subject: EngineUnderTest;
    let tables = 0;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject.close());

    async function newTable(definition: Omit<TableDefinition, 'name'> = numbers): Promise<string> {
      const table = `contract.t${++tables}`;
      await subject.engine.createTable({ name: table, ...definition });
      return table;
    }

    async function inSession<T>(run: (session: EngineSession) => Promise<T>): Promise<T> {
      const session = await subject.engine.open();
      try {
        return await run(session);
      } finally {
        await session.close();
      }
    }

    async function write(
      table: string,
      sql: string,
      version: number,
      mode: 'append' | 'overwrite' = 'append',
    ) {
      return inSession(async (session) => {
        const prepared = await session.prepare(table, sql);
        return session.commit(prepared, { appId: 'job/topic', version }, mode);
      });
    }

    async function rowsOf(table: string, options?: Parameters<EngineSession['readTable']>[2]) {
      return inSession(async (session) => {
        await session.readTable('rows_of', table, options);
        return session.query('SELECT * FROM rows_of ORDER BY 1');
      });
    }

    describe('the log', () => {
      const columns = ['log_partition', 'log_offset', 'log_timestamp', 'raw', 'parse_error'];

      async function landed(values: readonly (Uint8Array | string | null)[]) {
        const range = await subject.produce(values);
        return inSession(async (session) => {
          const counts = await session.readLog('landed', contractEvent, [range]);
          const rows = await session.query('SELECT * FROM landed ORDER BY log_offset');
          return { range, counts, rows };
        });
      }

      test('each record is one row: its place, its time, its fields as they came', async () => {
        const values = [
          '{"visit_id":"A","clicks":3,"page":"/","visited_at":"2025-01-01T00:00:00Z"}',
          '{"visit_id": "b\\n", "clicks": "3", "page": null}',
          ' {"clicks":1.50,"page":"é😀","visited_at":true} ',
          '{"clicks":[1, {"a":2.0}],"page":-0}',
          '{}',
        ];
        const { range, counts, rows } = await landed(values);
        expect(Object.keys(rows[0]!)).toEqual([
          ...columns,
          'visit_id',
          'clicks',
          'page',
          'visited_at',
          'rescued',
        ]);
        expect(counts).toEqual({ records: 5, bytes: Buffer.byteLength(values.join('')) });
        expect(rows.map((row) => row.log_offset)).toEqual([0, 1, 2, 3, 4].map((i) => range.from + i));
        expect(rows[0]!.log_timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}000Z$/);
        expect(rows.map((row) => [row.visit_id, row.clicks, row.page, row.visited_at])).toEqual([
          ['A', '3', '/', '2025-01-01T00:00:00Z'],
          ['b\n', '3', null, null],
          [null, '1.50', 'é😀', 'true'],
          [null, '[1, {"a":2.0}]', '-0', null],
          [null, null, null, null],
        ]);
        expect(new Set(rows.map((row) => row.parse_error))).toEqual(new Set([null]));
        expect(new Set(rows.map((row) => row.raw))).toEqual(new Set([null]));
        expect(new Set(rows.map((row) => row.rescued))).toEqual(new Set([null]));
      });

      test('unknown fields are rescued as they were written; names differ by case', async () => {
        const { rows } = await landed(['{"visit_id":"A","Page":1.0,"page":"x", "more": {"a": [1]}}']);
        expect(rows[0]).toMatchObject({
          visit_id: 'A',
          page: 'x',
          rescued: '{"Page":1.0,"more":{"a": [1]}}',
        });
      });

      test('what is not one JSON object keeps its bytes and says why', async () => {
        const cases: [Uint8Array | string, string][] = [
          ['', 'empty'],
          [' ', 'invalid JSON'],
          ['{"page":"x"', 'invalid JSON'],
          ['{"page":"x"}}', 'invalid JSON'],
          ['{"page":"x"} {"page":"y"}', 'invalid JSON'],
          ['{"page":"x",}', 'invalid JSON'],
          ['{"clicks":NaN}', 'invalid JSON'],
          ['{"clicks":-Infinity}', 'invalid JSON'],
          ['{"clicks":01}', 'invalid JSON'],
          ["{'page':'x'}", 'invalid JSON'],
          ['{"page":"\t"}', 'invalid JSON'],
          ['{"page":"\\ud800"}', 'invalid JSON'],
          ['\ufeff{"page":"x"}', 'invalid JSON'],
          ['{"page":"x"}//', 'invalid JSON'],
          ['{"page":"a\u0000b"}', 'invalid JSON'],
          ['[{"page":"x"}]', 'not an object'],
          ['"x"', 'not an object'],
          ['17', 'not an object'],
          ['null', 'not an object'],
          ['{"page":"x","page":"x"}', 'duplicate field'],
          ['{"more":1,"m\\u006fre":2}', 'duplicate field'],
          [Buffer.from('{"page":"\xff"}', 'latin1'), 'invalid UTF-8'],
        ];
        const { rows } = await landed(cases.map(([value]) => value));
        expect(rows.map((row) => row.parse_error)).toEqual(cases.map(([, reason]) => reason));
        expect(rows.map((row) => Buffer.from(row.raw as Uint8Array).toString('hex'))).toEqual(
          cases.map(([value]) => Buffer.from(value as string).toString('hex')),
        );
        expect(new Set(rows.map((row) => row.page))).toEqual(new Set([null]));
      });

      test('line ends, NUL bytes and control characters belong to the record they are in', async () => {
        const values = [
          '{\n"page":\r\n"x"\n}',
          '{"page":"y"}\n',
          '{"page":"a\\u0000b"}',
          '\u0001{"page":"x"}',
          '\n',
        ];
        const { rows } = await landed(values);
        expect(rows.map((row) => [row.page, row.parse_error])).toEqual([
          ['x', null],
          ['y', null],
          ['a\u0000b', null],
          [null, 'invalid JSON'],
          [null, 'invalid JSON'],
        ]);
      });

      test('a record may be ten megabytes long', async () => {
        const long = 'x'.repeat(10_000_000);
        const { rows } = await landed([`{"page":"${long}"}`, `{"page":"${long}`, '{"page":"short"}']);
        expect(rows.map((row) => (row.page as string | null)?.length)).toEqual([10_000_000, undefined, 5]);
        expect((rows[1]!.raw as Uint8Array).length).toBe(10_000_009);
      });

      test('only what lies in the ranges is read, of each partition', async () => {
        const first = await subject.produce(['{"page":"0"}', '{"page":"1"}', '{"page":"2"}'], 0);
        const second = await subject.produce(['{"page":"3"}', '[]', '{"page":"5"}'], 1);
        await inSession(async (session) => {
          const ranges = [
            { ...first, from: first.from + 1 },
            { ...second, to: second.to - 1 },
          ];
          expect((await session.readLog('landed', contractEvent, ranges)).records).toBe(4);
          const rows = await session.query('SELECT log_partition, page FROM landed ORDER BY 1, log_offset');
          expect(rows).toEqual([
            { log_partition: 0, page: '1' },
            { log_partition: 0, page: '2' },
            { log_partition: 1, page: '3' },
            { log_partition: 1, page: null },
          ]);
        });
      });

      test('no records make a relation without rows', async () => {
        const { to } = await subject.produce(['{}']);
        await inSession(async (session) => {
          const counts = await session.readLog('landed', contractEvent, [{ partition: 0, from: to, to }]);
          expect(counts).toEqual({ records: 0, bytes: 0 });
          expect(await session.query('SELECT page, rescued FROM landed')).toEqual([]);
        });
      });

      test('reading again gives the same, whatever was read between', async () => {
        const values = ['{"page":"1","clicks":1}', '{"page":"1","clicks":01}', '{"clicks":1e3,"page":"1"}'];
        const first = await landed(values);
        await landed(['{"page" : "other", "clicks" : 5}', '[]']);
        const second = await landed(values);
        const without = ({ log_offset: _, log_timestamp: __, ...row }: Record<string, unknown>) => row;
        expect(second.rows.map(without)).toEqual(first.rows.map(without));
      });
    });

    describe('tables', () => {
      test('a table is made once, and checked from then on', async () => {
        const table = await newTable();
        await subject.engine.createTable({ name: table, ...numbers });
        expect(await subject.engine.tableState(table)).toMatchObject({ recordCount: 0, fileCount: 0 });
        const columns = [{ name: 'n', type: 'string' } as const];
        await expect(subject.engine.createTable({ name: table, columns })).rejects.toMatchObject({
          kind: 'invalid',
          where: { table },
        });
      });

      test('a table that is not there is not found', async () => {
        await expect(subject.engine.tableState('contract.none')).rejects.toMatchObject({ kind: 'not-found' });
      });

      test('an empty table is a relation without rows', async () => {
        expect(await rowsOf(await newTable())).toEqual([]);
      });

      test('a prepared write is not visible until it is committed, and then at once', async () => {
        const table = await newTable();
        await inSession(async (session) => {
          const prepared = await session.prepare(table, numbersSql(1, 2, 3));
          expect(prepared).toMatchObject({ table, rows: 3 });
          expect(await rowsOf(table)).toEqual([]);
          const result = await session.commit(prepared, { appId: 'job/topic', version: 1 }, 'append');
          expect(result).toMatchObject({ status: 'committed', rows: 3 });
        });
        expect(await rowsOf(table)).toEqual(numberRows(1, 2, 3));
        expect(await subject.engine.tableState(table, 'job/topic')).toMatchObject({
          recordCount: 3,
          txnVersion: 1,
        });
      });

      test('a batch that the table has is skipped, and so is an older one', async () => {
        const table = await newTable();
        expect(await write(table, numbersSql(1), 5)).toMatchObject({ status: 'committed', rows: 1 });
        expect(await write(table, numbersSql(1), 5)).toMatchObject({ status: 'skipped', rows: 0 });
        expect(await write(table, numbersSql(2), 4)).toMatchObject({ status: 'skipped' });
        expect(await write(table, numbersSql(9), 5, 'overwrite')).toMatchObject({ status: 'skipped' });
        expect(await write(table, numbersSql(3), 6)).toMatchObject({ status: 'committed' });
        expect(await rowsOf(table)).toEqual(numberRows(1, 3));
      });

      test('a batch without rows moves the position', async () => {
        const table = await newTable();
        expect(await write(table, `${numbersSql(1)} WHERE n > 1`, 1)).toMatchObject({
          status: 'committed',
          rows: 0,
        });
        expect(await subject.engine.tableState(table, 'job/topic')).toMatchObject({
          recordCount: 0,
          txnVersion: 1,
        });
      });

      test('overwriting replaces all rows; earlier versions can be read', async () => {
        const table = await newTable();
        const { version } = await write(table, numbersSql(1, 2), 1);
        await write(table, numbersSql(3), 2, 'overwrite');
        expect(await rowsOf(table)).toEqual(numberRows(3));
        expect(await rowsOf(table, { version })).toEqual(numberRows(1, 2));
        await write(table, `${numbersSql(1)} WHERE n > 1`, 3, 'overwrite');
        expect(await rowsOf(table)).toEqual([]);
      });

      test('a table is replaced by a query of itself', async () => {
        const table = await newTable();
        await write(table, numbersSql(1, 2), 1);
        await write(table, numbersSql(2, 3), 2);
        await inSession(async (session) => {
          await session.readTable('old', table);
          const folded = await session.prepare(table, 'SELECT n, min(label) AS label FROM old GROUP BY n');
          await session.commit(folded, { appId: 'job/topic', version: 3 }, 'overwrite');
        });
        expect(await rowsOf(table)).toEqual(numberRows(1, 2, 3));
      });

      test('a reader sees one version, whatever is committed meanwhile', async () => {
        const table = await newTable();
        await write(table, numbersSql(1), 1);
        await inSession(async (session) => {
          await session.readTable('seen', table);
          await write(table, numbersSql(2), 2, 'overwrite');
          expect(await session.query('SELECT n FROM seen')).toEqual([{ n: 1 }]);
        });
      });

      test('all rows that meet a condition, no other', async () => {
        const table = await newTable();
        await write(table, numbersSql(1, 2, 3), 1);
        await write(table, numbersSql(4, 5, 6), 2);
        const where = {
          and: [
            { column: 'n', op: '>', value: 2 },
            { column: 'n', op: '<=', value: 4 },
          ],
        } as const;
        expect(await rowsOf(table, { where: { and: [...where.and] } })).toEqual(numberRows(3, 4));
        const labels = { column: 'label', op: 'in', values: ["it's 1", "it's 6", null] } as const;
        expect(await rowsOf(table, { where: { ...labels, values: [...labels.values] } })).toEqual(
          numberRows(1, 6),
        );
        expect(await rowsOf(table, { where: { column: 'n', op: '>', value: 99 } })).toEqual([]);
        expect(
          await rowsOf(table, { columns: ['label'], where: { column: 'n', op: '=', value: 5 } }),
        ).toEqual([{ label: "it's 5" }]);
      });

      test('a partitioned table gives back its partition values, null among them', async () => {
        const table = await newTable({
          columns: [...numbers.columns, { name: 'day', type: 'date' }, { name: 'shop', type: 'string' }],
          partitionBy: ['day', 'shop'],
        });
        const row = (n: number, day: string, shop: string) =>
          `SELECT ${n} AS n, 'a' AS label, CAST(${day} AS DATE) AS day, CAST(${shop} AS STRING) AS shop`;
        const odd = `'x y/z=%'`;
        const first = [row(1, `'2025-01-01'`, odd), row(2, `'2025-01-02'`, odd), row(3, 'NULL', 'NULL')];
        await write(table, first.join(' UNION ALL '), 1);
        await write(table, row(4, `'2025-01-02'`, odd), 2);
        expect(await rowsOf(table)).toEqual([
          { n: 1, label: 'a', day: '2025-01-01', shop: 'x y/z=%' },
          { n: 2, label: 'a', day: '2025-01-02', shop: 'x y/z=%' },
          { n: 3, label: 'a', day: null, shop: null },
          { n: 4, label: 'a', day: '2025-01-02', shop: 'x y/z=%' },
        ]);
        const where = { column: 'day', op: '=', value: '2025-01-02' } as const;
        expect(await rowsOf(table, { where, columns: ['n'] })).toEqual([{ n: 2 }, { n: 4 }]);
      });

      test('every type comes back as it went in', async () => {
        const table = await newTable({
          columns: (
            ['string', 'integer', 'long', 'double', 'boolean', 'date', 'timestamp', 'binary'] as const
          ).map((type) => ({ name: `a_${type}`, type })),
        });
        const values = `SELECT 'é' AS a_string, 2147483647 AS a_integer, 9007199254740993 AS a_long,
          CAST(0.1 AS DOUBLE) AS a_double, TRUE AS a_boolean, CAST('1969-12-31' AS DATE) AS a_date,
          timestamp_micros(1234567890123456) AS a_timestamp, unhex('00FF') AS a_binary`;
        const nulls = `SELECT NULL AS a_string, NULL, NULL, NULL, NULL, NULL, NULL, NULL`;
        await write(table, `${values} UNION ALL ${nulls}`, 1);
        const read = await inSession(async (session) => {
          await session.readTable('typed', table);
          return session.query('SELECT * FROM typed ORDER BY a_integer NULLS LAST');
        });
        expect(read[0]).toEqual({
          a_string: 'é',
          a_integer: 2147483647,
          a_long: 9007199254740993n,
          a_double: 0.1,
          a_boolean: true,
          a_date: '1969-12-31',
          a_timestamp: '2009-02-13T23:31:30.123456Z',
          a_binary: new Uint8Array([0, 255]),
        });
        expect(new Set(Object.values(read[1]!))).toEqual(new Set([null]));
      });

      test('a column that is not declared any more stays, and is null in new rows', async () => {
        const table = await newTable();
        await write(table, numbersSql(1), 1);
        await subject.engine.createTable({ name: table, columns: numbers.columns.slice(0, 1) });
        await write(table, 'SELECT 2 AS n', 2);
        expect(await rowsOf(table)).toEqual([...numberRows(1), { n: 2, label: null }]);
      });

      test('a query without a column of the table is refused, and says which', async () => {
        const table = await newTable();
        await expect(write(table, 'SELECT 1 AS n', 1)).rejects.toMatchObject({
          kind: 'invalid',
          message: expect.stringContaining('label'),
          where: { table },
        });
        expect(await rowsOf(table)).toEqual([]);
      });
    });

    describe('compaction', () => {
      const options = { targetBytes: 1_000_000, minFiles: 4 };

      test('many small files become one, their rows stay, and so do older versions', async () => {
        const table = await newTable();
        for (const n of [1, 2, 3]) await write(table, numbersSql(n), n);
        expect(await subject.engine.compact(table, options)).toMatchObject({ status: 'nothing-to-do' });
        const { version } = await write(table, numbersSql(4), 4);
        expect(await subject.engine.compact(table, options)).toEqual({
          status: 'compacted',
          filesRemoved: 4,
          filesAdded: 1,
        });
        expect(await rowsOf(table)).toEqual(numberRows(1, 2, 3, 4));
        expect(await rowsOf(table, { version })).toEqual(numberRows(1, 2, 3, 4));
        expect(await subject.engine.tableState(table, 'job/topic')).toMatchObject({
          recordCount: 4,
          fileCount: 1,
          txnVersion: 4,
        });
        expect(await subject.engine.compact(table, options)).toMatchObject({ status: 'nothing-to-do' });
      });

      test('each partition on its own', async () => {
        const table = await newTable({ ...numbers, partitionBy: ['label'] });
        for (const n of [1, 2, 3, 4]) await write(table, `${numbersSql(1)} UNION ALL SELECT ${n}, 'x'`, n);
        await write(table, numbersSql(2), 5);
        while ((await subject.engine.compact(table, options)).status === 'compacted');
        expect(await subject.engine.tableState(table)).toMatchObject({ recordCount: 9, fileCount: 3 });
        expect(await rowsOf(table, { where: { column: 'label', op: '=', value: 'x' } })).toEqual(
          [1, 2, 3, 4].map((n) => ({ n, label: 'x' })),
        );
      });

      test('optimizing puts all small files together', async () => {
        const table = await newTable();
        for (const n of [1, 2, 3]) await write(table, numbersSql(n), n);
        expect(await subject.engine.optimize(table, options)).toEqual({
          status: 'compacted',
          filesRemoved: 3,
          filesAdded: 1,
        });
        expect(await rowsOf(table)).toEqual(numberRows(1, 2, 3));
        expect(await subject.engine.optimize(table, options)).toMatchObject({ status: 'nothing-to-do' });
      });

      test('rows that are appended meanwhile stay', async () => {
        const table = await newTable();
        for (const n of [1, 2, 3, 4]) await write(table, numbersSql(n), n);
        await Promise.all([subject.engine.compact(table, options), write(table, numbersSql(5), 5)]);
        expect(await rowsOf(table)).toEqual(numberRows(1, 2, 3, 4, 5));
      });
    });

    describe('sessions', () => {
      test('relations are named, computed once where asked, and gone with the session', async () => {
        await inSession(async (session) => {
          await session.define('base', numbersSql(1, 2, 3));
          await session.define('doubled', 'SELECT 2 * n AS n FROM base', { materialize: true });
          await session.define('base', numbersSql(7));
          expect(await session.query('SELECT n FROM doubled ORDER BY n')).toEqual([
            { n: 2 },
            { n: 4 },
            { n: 6 },
          ]);
          expect(await session.query('SELECT n FROM base')).toEqual([{ n: 7 }]);
        });
        await expect(inSession((session) => session.query('SELECT n FROM doubled'))).rejects.toMatchObject({
          kind: 'invalid',
        });
      });

      test('two sessions do not see each other’s relations', async () => {
        const [one, two] = [await subject.engine.open(), await subject.engine.open()];
        try {
          await one.define('mine', numbersSql(1));
          await two.define('mine', numbersSql(2));
          expect(await one.query('SELECT n FROM mine')).toEqual([{ n: 1 }]);
          expect(await two.query('SELECT n FROM mine')).toEqual([{ n: 2 }]);
        } finally {
          await one.close();
          await two.close();
        }
      });

      test('longs come without objects, all of them', async () => {
        await inSession(async (session) => {
          await session.define('base', numbersSql(3, 1, 2));
          const longs = await session.longs('SELECT CAST(n AS BIGINT) AS n FROM base ORDER BY n');
          expect(longs).toEqual(BigInt64Array.of(1n, 2n, 3n));
        });
      });

      test('SQL that is wrong is an error that says so', async () => {
        await inSession(async (session) => {
          await expect(session.query('SELEKT 1')).rejects.toMatchObject({ kind: 'invalid' });
          expect(await session.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
        });
      });
    });
  });
}

const numbers = {
  columns: [
    { name: 'n', type: 'integer' },
    { name: 'label', type: 'string' },
  ],
} as const;

function numbersSql(...values: number[]): string {
  const rows = values.map((n) => `SELECT ${n} AS n, '${`it''s ${n}`}' AS label`);
  return `SELECT n, label FROM (${rows.join(' UNION ALL ')}) AS numbers`;
}

function numberRows(...values: number[]) {
  return values.map((n) => ({ n, label: `it's ${n}` }));
}

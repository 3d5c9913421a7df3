import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ServingTable } from '../../packages/eventlake/src/schema/definition.js';
import type { Row, Serving } from '../../packages/eventlake/src/serving/serving.js';

/** What the embedded ClickHouse and a server must both do. Each run works in databases of its own. */
export function servingContract(
  name: string,
  open: () => Promise<{ serving: Serving; cleanUp(): Promise<void> }>,
) {
  describe(`serving: ${name}`, () => {
    const prefix = `t_${randomBytes(4).toString('hex')}`;
    const live: ServingTable = {
      name: `${prefix}.live`,
      columns: [
        { name: 'window_start', type: "DateTime('UTC')" },
        { name: 'event_type', type: 'LowCardinality(String)' },
        { name: 'event_count', type: 'UInt64' },
      ],
      engine: 'SummingMergeTree(event_count)',
      orderBy: ['window_start', 'event_type'],
    };
    const daily: ServingTable = {
      name: `${prefix}.daily`,
      columns: [
        { name: 'event_date', type: 'Date' },
        { name: 'dau_count', type: 'UInt64' },
        { name: 'updated_at', type: "DateTime64(3, 'UTC')" },
      ],
      engine: 'ReplacingMergeTree(updated_at)',
      orderBy: ['event_date'],
    };
    let serving: Serving;
    let cleanUp: () => Promise<void>;

    beforeAll(async () => {
      ({ serving, cleanUp } = await open());
      await serving.ensure([live, daily]);
    });
    afterAll(async () => {
      await cleanUp?.();
    });

    const day = (n: number) => new Date(Date.UTC(2026, 0, 1 + n)).toISOString().slice(0, 10);
    const publication = (days: number, version: number): Row[] =>
      Array.from({ length: days }, (_, i) => ({
        event_date: day(i),
        dau_count: version,
        updated_at: new Date(Date.UTC(2026, 5, 1) + version).toISOString(),
      }));

    test('ensure can be repeated and keeps what is there', async () => {
      await serving.insert(
        live.name,
        [{ window_start: '2026-01-01T00:00:00Z', event_type: 'kept', event_count: 1 }],
        'k',
      );
      await serving.ensure([live, daily]);
      const rows = await serving.query(`SELECT event_count FROM ${live.name} WHERE event_type = 'kept'`);
      expect(rows).toEqual([{ event_count: 1 }]);
    });

    test('ensure adds columns that are new', async () => {
      const before: ServingTable = { ...live, name: `${prefix}.grows` };
      await serving.ensure([before]);
      await serving.insert(before.name, [{ window_start: 0, event_type: 'a', event_count: 1 }], '1');
      const after = { ...before, columns: [...before.columns, { name: 'note', type: 'Nullable(String)' }] };
      await serving.ensure([after]);
      expect(await serving.query(`SELECT event_type, note FROM ${after.name}`)).toEqual([
        { event_type: 'a', note: null },
      ]);
    });

    test('ensure refuses a column whose type has changed', async () => {
      const table: ServingTable = { ...live, name: `${prefix}.typed` };
      await serving.ensure([table]);
      const changed = {
        ...table,
        columns: table.columns.map((c) => ({ ...c, type: c.name === 'event_count' ? 'String' : c.type })),
      };
      await expect(serving.ensure([changed])).rejects.toMatchObject({
        kind: 'invalid',
        where: { table: table.name },
      });
    });

    describe('a declaration that changes', () => {
      const shape = ({ change, column, by }: { change: string; column?: string; by: string }) =>
        [change, column, by].filter(Boolean).join(' ');
      const declare = (name: string, columns: ServingTable['columns'], orderBy = ['day']): ServingTable => ({
        name: `${prefix}.${name}`,
        columns: [{ name: 'day', type: 'Date' }, ...columns],
        engine: 'MergeTree',
        orderBy,
      });

      test('is planned without touching anything', async () => {
        const table = declare('planned', [{ name: 'n', type: 'Int32' }]);
        expect((await serving.plan([table])).map(shape)).toEqual(['create table start']);
        expect((await serving.plan([table])).map(shape)).toEqual(['create table start']);
        await serving.ensure([table]);
        expect(await serving.plan([table])).toEqual([]);
        const next = declare('planned', [
          { name: 'n', type: 'Int64' },
          { name: 'note', type: 'String' },
        ]);
        expect((await serving.plan([next])).map(shape)).toEqual([
          'widen column n apply',
          'add column note start',
        ]);
        expect(await serving.plan([table])).toEqual([]);
      });

      test('a wider type is refused by ensure and done by apply; values stay', async () => {
        const table = declare('widened', [{ name: 'n', type: 'Int32' }]);
        await serving.ensure([table]);
        await serving.insert(table.name, [{ day: '2026-01-01', n: 7 }], 'a');
        const next = declare('widened', [{ name: 'n', type: 'Nullable(Int64)' }]);
        await expect(serving.ensure([next])).rejects.toMatchObject({
          kind: 'invalid',
          hint: expect.stringContaining('eventlake apply'),
        });
        await serving.apply([next], { drops: false });
        expect(await serving.plan([next])).toEqual([]);
        await serving.insert(next.name, [{ day: '2026-01-02', n: 5_000_000_000 }], 'b');
        expect(await serving.query(`SELECT n FROM ${next.name} ORDER BY day`)).toEqual([
          { n: 7 },
          { n: 5_000_000_000 },
        ]);
      });

      test('a column that is not declared stays until it is to be dropped', async () => {
        const table = declare('dropped', [{ name: 'n', type: 'Int32' }]);
        await serving.ensure([table]);
        await serving.insert(table.name, [{ day: '2026-01-01', n: 7 }], 'a');
        const next = declare('dropped', []);
        await serving.ensure([next]);
        await serving.apply([next], { drops: false });
        expect(await serving.query(`SELECT n FROM ${table.name}`)).toEqual([{ n: 7 }]);
        expect((await serving.plan([next])).map(shape)).toEqual(['undeclared column n drop']);
        await serving.publish(next.name, [{ day: '2026-01-03' }]);
        await serving.apply([next], { drops: true });
        expect(await serving.query(`SELECT * FROM ${table.name}`)).toEqual([{ day: '2026-01-03' }]);
      });

      test('another sorting, another engine, a narrower type cannot be, and nothing is changed', async () => {
        const columns = [{ name: 'n', type: 'Int64' }];
        const table = declare('fixed', columns);
        await serving.ensure([table]);
        const others = [
          declare('fixed', [...columns, { name: 'added', type: 'Int8' }], ['day', 'n']),
          { ...declare('fixed', columns), engine: 'SummingMergeTree(n)' },
          declare('fixed', [{ name: 'n', type: 'Int32' }]),
        ];
        for (const other of others) {
          expect((await serving.plan([other])).map(({ by }) => by)).toContain('hand');
          await expect(serving.ensure([other])).rejects.toMatchObject({ kind: 'invalid' });
          await expect(serving.apply([other], { drops: true })).rejects.toMatchObject({ kind: 'invalid' });
        }
        expect(await serving.plan([table])).toEqual([]);
      });
    });

    test('an insert with a token that was used changes nothing', async () => {
      const rows = [
        { window_start: '2026-01-02T00:00:00Z', event_type: 'once', event_count: 5 },
        { window_start: '2026-01-02T00:01:00.000Z', event_type: 'once', event_count: 7 },
      ];
      await serving.insert(live.name, rows, 'token-1');
      await serving.insert(live.name, rows, 'token-1');
      await serving.insert(live.name, [{ ...rows[0]!, event_count: 100 }], 'token-1');
      const sum = `SELECT sum(event_count) AS n FROM ${live.name} WHERE event_type = 'once'`;
      expect(await serving.query(sum)).toEqual([{ n: 12 }]);
      await serving.insert(live.name, rows, 'token-2');
      expect(await serving.query(sum)).toEqual([{ n: 24 }]);
    });

    test('an insert of many rows is one block', async () => {
      const rows = Array.from({ length: 200_000 }, (_, i) => ({
        window_start: 1_767_225_600 + 60 * i,
        event_type: 'many',
        event_count: 1,
      }));
      const table: ServingTable = { ...live, name: `${prefix}.block`, engine: 'MergeTree' };
      await serving.ensure([table]);
      await serving.insert(table.name, rows, 'a');
      expect(
        await serving.query(`SELECT count() AS n, uniqExact(_part) AS parts FROM ${table.name}`),
      ).toEqual([{ n: 200_000, parts: 1 }]);
    });

    test('what passes by itself is waited for', async () => {
      const table: ServingTable = {
        ...live,
        name: `${prefix}.full`,
        engine: 'MergeTree',
        settings: { parts_to_throw_insert: 1 },
      };
      await serving.ensure([table]);
      const row = (n: number) => [{ window_start: n, event_type: 'full', event_count: 1 }];
      await serving.insert(table.name, row(1), '1');
      let refused = true;
      const second = serving.insert(table.name, row(2), '2').finally(() => {
        refused = false;
      });
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(refused).toBe(true);
      await serving.query(`ALTER TABLE ${table.name} MODIFY SETTING parts_to_throw_insert = 100`);
      await second;
      expect(await serving.query(`SELECT count() AS n FROM ${table.name}`)).toEqual([{ n: 2 }]);
    });

    test('no rows are no block', async () => {
      await serving.insert(live.name, [], 'empty');
      await serving.insert(live.name, [{ window_start: 0, event_type: 'empty', event_count: 1 }], 'empty');
      const rows = await serving.query(`SELECT event_count FROM ${live.name} WHERE event_type = 'empty'`);
      expect(rows).toEqual([{ event_count: 1 }]);
    });

    test('text comes back as it went in', async () => {
      const texts = ['', "it's", 'back\\slash', 'tab\tline\nend', 'ünïcödé 🚀', '\u0000', '{"json":true}'];
      await serving.insert(
        live.name,
        texts.map((event_type, i) => ({ window_start: 1_800_000_000 + i, event_type, event_count: 1 })),
        'texts',
      );
      const rows = await serving.query<{ event_type: string }>(
        `SELECT event_type FROM ${live.name} WHERE window_start >= {from:DateTime('UTC')} ORDER BY window_start`,
        { from: 1_800_000_000 },
      );
      expect(rows.map((row) => row.event_type)).toEqual(texts);
      for (const text of texts) {
        const found = await serving.query(`SELECT {t:String} AS t`, { t: text });
        expect(found).toEqual([{ t: text }]);
      }
    });

    test('a publication replaces the one before, rows that vanished included', async () => {
      await serving.publish(daily.name, publication(5, 1));
      await serving.publish(daily.name, publication(3, 2));
      await serving.publish(daily.name, publication(3, 2));
      const read = () =>
        serving.query(`SELECT toString(event_date) AS d, dau_count AS n FROM ${daily.name} ORDER BY d`);
      expect(await read()).toEqual([0, 1, 2].map((i) => ({ d: day(i), n: 2 })));
      await serving.publish(daily.name, []);
      expect(await read()).toEqual([]);
      async function* stream() {
        yield* publication(4, 3);
      }
      await serving.publish(daily.name, stream());
      expect(await read()).toHaveLength(4);
    });

    test('a publication that fails leaves the one before', async () => {
      await serving.publish(daily.name, publication(2, 7));
      await expect(
        serving.publish(daily.name, [
          ...publication(1, 8),
          { event_date: 'no date', dau_count: 'x', updated_at: 0 },
        ]),
      ).rejects.toMatchObject({ name: 'EventlakeError' });
      expect(await serving.query(`SELECT dau_count AS n FROM ${daily.name}`)).toEqual([{ n: 7 }, { n: 7 }]);
    });

    test('a reader without FINAL sees whole publications only', async () => {
      const days = 400;
      await serving.publish(daily.name, publication(days, 1));
      let publishing = true;
      const seen = new Set<number>();
      const readers = Array.from({ length: 2 }, async () => {
        while (publishing) {
          const [row] = await serving.query<{ n: number; days: number; low: number; high: number }>(
            `SELECT count() AS n, uniqExact(event_date) AS days, min(dau_count) AS low, max(dau_count) AS high FROM ${daily.name}`,
          );
          expect(row).toEqual({ n: days, days, low: row!.low, high: row!.low });
          seen.add(row!.low);
        }
      });
      try {
        for (let version = 2; version <= 40; version++)
          await serving.publish(daily.name, publication(days, version));
      } finally {
        publishing = false;
      }
      await Promise.all(readers);
      expect(seen.size).toBeGreaterThan(1);
    });

    test('an error says what ClickHouse said, and where', async () => {
      await expect(serving.query('SELECT no_such_column')).rejects.toMatchObject({
        kind: 'invalid',
        message: expect.stringMatching(/UNKNOWN_IDENTIFIER, code 47/),
        where: { url: serving.url },
      });
      await expect(serving.query(`SELECT * FROM ${prefix}.nothing`)).rejects.toMatchObject({
        kind: 'not-found',
      });
      await expect(serving.insert(`${prefix}.nothing`, [{ a: 1 }], 't')).rejects.toMatchObject({
        kind: 'not-found',
      });
    });

    test('many queries at once all get their own answer', async () => {
      const numbers = Array.from({ length: 100 }, (_, i) => i);
      const answers = await Promise.all(
        numbers.map((n) => serving.query<{ n: number }>('SELECT {n:UInt32} AS n', { n })),
      );
      expect(answers.map(([row]) => row!.n)).toEqual(numbers);
    });
  });
}

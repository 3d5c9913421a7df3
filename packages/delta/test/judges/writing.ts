import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  createTable,
  localStore,
  openTable,
  type Row,
  required,
  struct,
  type Table,
} from '../../src/index.js';
import { canonicalRows, clickHouseRows } from './canonical.js';
import type { Court } from './court.js';
import type { Judge } from './judge.js';

const SCHEMA = struct({ id: required('long'), part: 'string', n: 'integer', text: 'string' });
const PARTS = ['a', 'b/=%', null];
const row = (id: number): Row => ({ id, part: PARTS[id % 3], n: id % 10, text: `row ${id}` });
const rows = (from: number, to: number): Row[] => Array.from({ length: to - from }, (_, i) => row(from + i));

/** The same steps in the words of each engine. */
const STEPS = ['append', 'merge', 'update', 'delete', 'optimize', 'checkpoint'] as const;
type Step = (typeof STEPS)[number];

const SPARK: Record<Step, (table: string) => string[]> = {
  append: (t) => [`INSERT INTO ${t} VALUES (500, 'a', 1, 'five hundred'), (501, NULL, NULL, NULL)`],
  merge: (t) => [
    `MERGE INTO ${t} t USING (SELECT CAST(id AS LONG) AS id, 'a' AS part, 77 AS n, 'merged' AS text FROM range(25, 45)) s ` +
      'ON t.id = s.id WHEN MATCHED AND t.id = 30 THEN DELETE WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *',
  ],
  update: (t) => [`UPDATE ${t} SET n = n + 100 WHERE n = 3`],
  delete: (t) => [`DELETE FROM ${t} WHERE id IN (5, 6, 7)`],
  optimize: (t) => [`OPTIMIZE ${t}`],
  // Every fifth commit writes one, here by the V2 spec with sidecars where the table has it.
  checkpoint: (t) => [
    'SET spark.databricks.delta.checkpoint.partSize = 3',
    `INSERT INTO ${t} VALUES (600, 'a', 1, 'more')`,
    'RESET spark.databricks.delta.checkpoint.partSize',
  ],
};

const DELTA_RS: Record<Step, object> = {
  append: {
    select: "500 AS id, 'a' AS part, 1 AS n, 'five hundred' AS text UNION ALL SELECT 501, NULL, NULL, NULL",
  },
  merge: {
    select: "value AS id, 'a' AS part, 77 AS n, 'merged' AS text FROM generate_series(25, 44)",
    on: 's.id = t.id',
  },
  update: { set: { n: 'n + 100' }, where: 'n = 3' },
  delete: { where: 'id IN (5, 6, 7)' },
  optimize: {},
  checkpoint: {},
};

/** Others write to our tables, we to theirs, in turn. */
export function describeWriting(court: Court): void {
  const bySpark = async (step: Step, folder: string): Promise<void> => {
    await court.spark.ask('run', { sql: SPARK[step](`delta.\`${folder}\``) });
  };
  const byDeltaRs = async (step: Step, folder: string): Promise<void> => {
    await court.deltaRs.ask(step, { path: folder, ...DELTA_RS[step] });
  };

  const DVS = { 'delta.enableDeletionVectors': 'true' };
  const CDF = { 'delta.enableChangeDataFeed': 'true' };
  const OFTEN = { 'delta.checkpointInterval': '5' };

  describe.each<
    [string, string, (step: Step, folder: string) => Promise<void>, Record<string, string>, string[]]
  >([
    ['Spark', 'a partitioned table with deletion vectors', bySpark, { ...OFTEN, ...DVS }, ['part']],
    [
      'Spark',
      'a table with V2 checkpoints, deletion vectors, changes and in-commit timestamps',
      bySpark,
      {
        ...{
          ...OFTEN,
          ...DVS,
          ...CDF,
          'delta.checkpointPolicy': 'v2',
          'delta.enableInCommitTimestamps': 'true',
        },
        'delta.constraints.positive': 'id >= 0',
      },
      [],
    ],
    ['delta-rs', 'a plain table', byDeltaRs, OFTEN, []],
    ['delta-rs', 'a partitioned table', byDeltaRs, OFTEN, ['part']],
  ])('%s and we write in turn to %s:', (name, kind, write, properties, partitionBy) => {
    test('each reads what the other wrote, and goes on', async () => {
      const path = `${name}-${kind}`.replaceAll(/[^a-zA-Z]+/g, '-');
      const folder = join(court.root, path);
      const table = await createTable(localStore(court.root), path, {
        schema: SCHEMA,
        properties,
        partitionBy,
      });
      const judge = name === 'Spark' ? court.spark : court.deltaRs;
      for (let i = 0; i < 4; i++) await table.append(rows(i * 10, i * 10 + 10));

      for (const step of STEPS) await write(step, folder);
      await expectSame(judge, table, folder);

      await goOn(table);
      await expectSame(judge, table, folder);

      for (const step of ['delete', 'update', 'optimize'] as const) await write(step, folder);
      await expectSame(judge, table, folder);
      await expectSame(judge, await openTable(localStore(court.root), path), folder);
    });
  });

  test('ClickHouse appends to a table of ours, and we go on', async () => {
    const folder = join(court.root, 'clickhouse');
    const table = await createTable(localStore(court.root), 'clickhouse', {
      schema: SCHEMA,
      properties: OFTEN,
    });
    await table.append(rows(0, 10));
    const insert =
      "INSERT INTO written SETTINGS allow_delta_lake_writes = 1 VALUES (10, 'a', 1, 'x'), (11, NULL, NULL, NULL)";
    await court.clickHouse.ask('run', {
      sql: [`CREATE TABLE written ENGINE = DeltaLakeLocal('${folder}')`, insert],
    });
    expect(await table.scan({ where: { column: 'id', op: '>', value: 9 } }).toArray()).toEqual([
      { id: 10n, part: 'a', n: 1, text: 'x' },
      { id: 11n, part: null, n: null, text: null },
    ]);
    await goOn(table);
    const { schema } = await table.snapshot();
    const sight = await court.clickHouse.look(folder);
    expect(clickHouseRows(sight.rows, schema)).toEqual(canonicalRows(await table.scan().toArray(), schema));
  });

  describe('a table that Spark made', () => {
    test.each<[string, string, string[], RegExp]>([
      [
        'column mapping, a column renamed and one dropped',
        "(id LONG, gone INT, `a b` STRING) | TBLPROPERTIES ('delta.columnMapping.mode' = 'name')",
        [
          "INSERT INTO $ VALUES (1, 1, 'x'), (2, 2, NULL)",
          'ALTER TABLE $ RENAME COLUMN `a b` TO `c,d`',
          'ALTER TABLE $ DROP COLUMN gone',
          "INSERT INTO $ VALUES (3, 'y')",
        ],
        /maps its columns by name/,
      ],
      [
        'row tracking',
        "(id LONG, n INT) | TBLPROPERTIES ('delta.enableRowTracking' = 'true')",
        ['INSERT INTO $ VALUES (1, 1), (2, NULL)', 'UPDATE $ SET n = 5 WHERE id = 1'],
        /rowTracking/,
      ],
      [
        'clustering',
        '(id LONG, n INT) | CLUSTER BY (id)',
        ['INSERT INTO $ VALUES (1, 1), (2, NULL)', 'OPTIMIZE $'],
        /clustering/,
      ],
      [
        'a generated column',
        '(id LONG, twice LONG GENERATED ALWAYS AS (id * 2)) |',
        ['INSERT INTO $ (id) VALUES (1), (2)'],
        /generat/,
      ],
      [
        'an identity column',
        '(id LONG GENERATED ALWAYS AS IDENTITY, n INT) |',
        ['INSERT INTO $ (n) VALUES (1), (2)'],
        /identity/,
      ],
    ])(
      'with %s is read, and a write is refused with the reason',
      async (what, definition, statements, reason) => {
        const path = what.replaceAll(/[^a-z]+/g, '-');
        const folder = join(court.root, path);
        const name = `made_${path.replaceAll('-', '_')}`;
        const [columns, options] = definition.split('|');
        const made = `CREATE TABLE ${name} ${columns} USING delta LOCATION '${folder}' ${options}`;
        await court.spark.ask('run', {
          sql: [made, ...statements.map((text) => text.replaceAll('$', name))],
        });
        const table = await openTable(localStore(court.root), path);
        const { schema } = await table.snapshot();
        expect(canonicalRows(await table.scan().toArray(), schema)).toEqual(
          (await court.spark.look(folder)).rows,
        );
        const { version } = await table.snapshot();
        const [first] = await table.scan().toArray({ limit: 10 });
        await expect(table.append([first!])).rejects.toThrow(reason);
        expect((await table.snapshot()).version).toBe(version);
      },
    );
  });
}

/** What we do to a table that another engine has written to. */
async function goOn(table: Table): Promise<void> {
  await table.merge([...rows(40, 46).map((r) => ({ ...r, text: 'ours' })), ...rows(700, 705)], {
    on: ['id'],
  });
  await table.update({ where: { column: 'n', op: '=', value: 77 }, set: { text: 'seventy-seven' } });
  await table.delete({ where: { column: 'id', op: '<', value: 12 } });
  await table.optimize();
  await table.append(rows(0, 12));
  await table.checkpoint();
}

async function expectSame(judge: Judge, table: Table, folder: string): Promise<void> {
  const { schema } = await table.snapshot();
  const sight = await judge.look(folder);
  const ours = canonicalRows(await table.scan().toArray(), schema);
  expect(ours).toEqual(sight.rows);
  expect(sight.count).toBe(ours.length);
  expect(await table.scan().count()).toBe(ours.length);
  const history = (await table.history()).map(({ version, operation }) => [version, operation]).reverse();
  expect(history).toEqual(sight.history);
}

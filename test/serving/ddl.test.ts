import pipeline from '@eventlake/user-events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { healthTables } from '../../packages/eventlake/src/schema/health.js';
import { liveTables, servingTables } from '../../packages/eventlake/src/schema/tables.js';
import { addColumn, createDatabase, createTable } from '../../packages/eventlake/src/serving/ddl.js';
import { openServing } from '../jobs/lake.js';

let opened: Awaited<ReturnType<typeof openServing>>;
beforeAll(async () => {
  opened = await openServing();
});
afterAll(() => opened?.close());

/** ClickHouse's own parser; that a cluster obeys can only be seen on one. */
const parsed = async (statement: string) => {
  const [row] = await opened.serving.query<{ sql: string }>('SELECT formatQuery({statement:String}) AS sql', {
    statement,
  });
  return row!.sql.replaceAll(/\s+/g, ' ');
};

describe('on a cluster', () => {
  const tables = [...liveTables(pipeline), ...servingTables(pipeline), ...healthTables];

  test.each(tables.map((table) => [table.name, table] as const))(
    '%s is made on all servers, replicated',
    async (_, table) => {
      const sql = await parsed(createTable(table, 'c 1'));
      expect(sql).toContain('ON CLUSTER `c 1`');
      expect(sql).toMatch(/ENGINE = Replicated(Summing|Replacing)?MergeTree/);
      expect(sql).toContain('replicated_deduplication_window = 10000');
      expect(sql).not.toContain('non_replicated');
    },
  );

  test('databases and columns, too', async () => {
    expect(await parsed(createDatabase('gold', 'c'))).toBe('CREATE DATABASE IF NOT EXISTS gold ON CLUSTER c');
    expect(await parsed(addColumn('gold.t', { name: 'a', type: 'Int32' }, 'c'))).toContain(
      'gold.t ON CLUSTER c',
    );
  });
});

test('one server alone has neither', async () => {
  for (const table of liveTables(pipeline))
    expect(await parsed(createTable(table))).not.toMatch(/CLUSTER|ENGINE = Replicated/);
});

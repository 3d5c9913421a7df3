import pipeline from '@eventlake/user-events';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  duplicateRowsSql,
  duplicatesSql,
  firstRowsSql,
  repeatedRowsSql,
} from '../../packages/eventlake/src/schema/sql.js';
import { type Db, openDuckDb } from './duckdb.js';

interface Row {
  event_id: string;
  log_batch: number;
  log_partition: number;
  log_offset: number;
}

let db: Db;
beforeAll(async () => {
  db = await openDuckDb();
});
afterAll(() => db.close());

test('the first landed of each id is kept, unless silver has the id; every row is kept or a duplicate', async () => {
  await fc.assert(
    fc.asyncProperty(rows(), fc.uniqueArray(fc.constantFrom('a', 'b', 'c')), async (valid, known) => {
      await createTables(valid, known);
      await db.run(
        `CREATE OR REPLACE TABLE repeats AS ${duplicatesSql(pipeline.event, 'valid_rows', 'known')}`,
      );
      const kept = await places(firstRowsSql('valid_rows', 'repeats'));
      const duplicates = await places(duplicateRowsSql('valid_rows', 'repeats'));

      const seen = new Set<string>(known);
      const expected: [Row[], Row[]] = [[], []];
      for (const row of [...valid].sort(byLanding)) {
        expected[seen.has(row.event_id) ? 1 : 0].push(row);
        seen.add(row.event_id);
      }
      expect([kept, duplicates]).toEqual(expected);
      expect(await places(repeatedRowsSql(pipeline.event, 'valid_rows', 'known'))).toEqual(duplicates);
      // Each repeat is listed once, so that the list can be counted.
      expect(await places('SELECT NULL AS event_id, * FROM repeats')).toHaveLength(duplicates.length);
    }),
    { numRuns: 100 },
  );
}, 120_000);

function rows(): fc.Arbitrary<Row[]> {
  const row = fc.record({
    event_id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    log_batch: fc.integer({ min: 1, max: 3 }),
    log_partition: fc.nat(2),
    log_offset: fc.nat(20),
  });
  return fc.uniqueArray(row, {
    selector: (r) => `${r.log_batch}/${r.log_partition}/${r.log_offset}`,
    maxLength: 30,
  });
}

async function createTables(valid: readonly Row[], known: readonly string[]): Promise<void> {
  const fields = Object.keys(pipeline.event.fields).map((name) => `${name} VARCHAR`);
  await db.run(
    `CREATE OR REPLACE TABLE valid_rows (${fields.join(', ')}, log_batch BIGINT, log_partition INT, log_offset BIGINT)`,
  );
  await db.run('CREATE OR REPLACE TABLE known (event_id VARCHAR)');
  if (valid.length > 0) {
    const values = valid.map((r) => `('${r.event_id}', ${r.log_batch}, ${r.log_partition}, ${r.log_offset})`);
    await db.run(
      `INSERT INTO valid_rows (event_id, log_batch, log_partition, log_offset) VALUES ${values.join(', ')}`,
    );
  }
  for (const id of known) await db.run(`INSERT INTO known VALUES ('${id}')`);
}

async function places(sql: string): Promise<Row[]> {
  const found = await db.query<Record<keyof Row, unknown>>(sql);
  return found
    .map((row) => ({
      event_id: String(row.event_id),
      log_batch: Number(row.log_batch),
      log_partition: Number(row.log_partition),
      log_offset: Number(row.log_offset),
    }))
    .sort(byLanding);
}

function byLanding(a: Row, b: Row): number {
  return a.log_batch - b.log_batch || a.log_partition - b.log_partition || a.log_offset - b.log_offset;
}

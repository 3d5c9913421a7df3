import { defineEvent, EventlakeError, integer, type PipelineDefinition, timestamp, uuid } from 'eventlake';
import { expect, test } from 'vitest';
import { liveEventsSql, liveIncrementsSql } from '../../packages/eventlake/src/schema/sql.js';
import { bookkeepingColumns } from '../../packages/eventlake/src/schema/tables.js';
import { checkedSql, rejectedSql, validSql } from '../../packages/eventlake/src/schema/validation.js';
import { openDuckDb } from './duckdb.js';

const words =
  'count rank page price amount url path status list string uuid long nth landed typed checked cells x';

test('a name is refused as a field, or works unquoted in every generated query: all of DuckDB’s keywords, and ours', async () => {
  const db = await openDuckDb();
  const keywords = await db.query<{ keyword_name: string }>('SELECT keyword_name FROM duckdb_keywords()');
  const names = new Set([
    ...keywords.map((row) => row.keyword_name),
    ...bookkeepingColumns,
    ...words.split(' '),
  ]);
  const failed: string[] = [];
  let accepted = 0;
  for (const name of names) {
    const pipeline = pipelineWith(name);
    if (pipeline === undefined) continue;
    accepted++;
    try {
      await runAll(pipeline, name);
    } catch (error) {
      failed.push(`${name}: ${String(error).split('\n')[0]}`);
    }
  }
  expect(failed).toEqual([]);
  expect(accepted).toBeGreaterThan(350);
  for (const word of words.split(' ')) expect(pipelineWith(word)).toBeDefined();
  db.close();

  async function runAll(pipeline: PipelineDefinition, name: string): Promise<void> {
    await db.run(
      `CREATE OR REPLACE TABLE bronze AS SELECT '' AS the_id, '' AS happened, '' AS ${name}, now() AS log_timestamp,
       0::BIGINT AS log_batch, 0 AS log_partition, 0::BIGINT AS log_offset`,
    );
    const keep = ['log_batch', 'log_partition', 'log_offset'];
    await db.run(validSql(pipeline, 'bronze', keep));
    await db.run(rejectedSql(pipeline, 'bronze', keep));
    const checked = `(${checkedSql(pipeline, 'bronze', keep)}) AS checked`;
    await db.run(`CREATE OR REPLACE TABLE live AS ${liveEventsSql(pipeline, checked)}`);
    await db.run(liveIncrementsSql(pipeline, 'live', new Map([[0, 1]]), true));
  }
});

function pipelineWith(name: string): PipelineDefinition | undefined {
  try {
    const fields = { the_id: uuid(), happened: timestamp(), [name]: integer() };
    return {
      event: defineEvent({ name: 'e', topic: 'e', id: 'the_id', time: 'happened', key: 'the_id', fields }),
      futureToleranceMs: 1000,
      gold: [],
      live: {
        windowMs: 60_000,
        watermarkDelayMs: 0,
        tables: [{ name: 'realtime.some', by: [name], where: `${name} > 1`, count: 'n' }],
        late: { name: 'realtime.late', by: [], count: 'n' },
      },
    };
  } catch (error) {
    if (error instanceof EventlakeError) return undefined;
    throw error;
  }
}

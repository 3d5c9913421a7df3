import userEvents from '@eventlake/user-events';
import type { PipelineDefinition } from 'eventlake';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkedSql, rejectedSql, validSql } from '../../packages/eventlake/src/schema/validation.js';
import {
  logTimestampMs,
  otherCases,
  userEventCases,
  type ValidityCase,
  validEvent,
} from '../contracts/validity.js';
import { type Db, openDuckDb } from './duckdb.js';
import { otherKinds, validOther } from './other-kinds.js';

describe('DuckDB agrees to every rule of what is valid', () => {
  let db: Db;
  beforeAll(async () => {
    db = await openDuckDb();
  });
  afterAll(() => db.close());

  for (const [field, cases] of Object.entries(userEventCases)) {
    test(field, () => checkCases(userEvents, validEvent, field, cases));
  }
  for (const [field, cases] of Object.entries(otherCases)) {
    test(`the kind ${field}`, () => checkCases(otherKinds, validOther, field, cases));
  }

  async function checkCases(
    pipeline: PipelineDefinition,
    valid: Record<string, string>,
    field: string,
    cases: readonly ValidityCase[],
  ): Promise<void> {
    await createRelation(
      pipeline,
      cases.map(({ raw }) => ({ ...valid, [field]: raw })),
    );
    const value = pipeline.event.fields[field]!.kind === 'timestamp' ? `unix_micros(${field})` : `${field}`;
    const rows = await db.query(
      `SELECT raw_${field} AS raw, ${value} AS value, reject_reason
       FROM (${checkedSql(pipeline, 'landed', ['log_offset'])}) ORDER BY log_offset`,
    );
    const answers = rows.map(({ raw, value, reject_reason }) =>
      reject_reason === null ? { raw, value } : { raw, reject: reject_reason },
    );
    expect(answers).toEqual(cases);
  }

  test('the first broken rule, in the order of the fields, is the reason', async () => {
    await createRelation(userEvents, [{ ...validEvent, user_id: 'x', source: 'y', timestamp: 'z' }, {}]);
    const rows = await db.query(`${rejectedSql(userEvents, 'landed', ['log_offset'])} ORDER BY log_offset`);
    expect(rows).toMatchObject([
      { user_id: 'x', source: 'y', timestamp: 'z', reason: 'user_id: not a 32-bit integer' },
      { event_id: null, reason: 'event_id: missing' },
    ]);
  });

  test('valid and rejected rows are all rows, each once', async () => {
    const all = Object.entries(userEventCases).flatMap(([field, cases]) =>
      cases.map(({ raw }) => ({ ...validEvent, [field]: raw })),
    );
    await createRelation(userEvents, all);
    const valid = await db.query<{ log_offset: bigint }>(validSql(userEvents, 'landed', ['log_offset']));
    const rejected = await db.query<{ log_offset: bigint }>(
      rejectedSql(userEvents, 'landed', ['log_offset']),
    );
    const offsets = [...valid, ...rejected].map((row) => Number(row.log_offset)).sort((a, b) => a - b);
    expect(offsets).toEqual(all.map((_, index) => index));
  });

  async function createRelation(
    pipeline: PipelineDefinition,
    events: readonly Record<string, string | null>[],
  ): Promise<void> {
    const names = Object.keys(pipeline.event.fields);
    await db.run(
      `CREATE OR REPLACE TABLE landed (log_offset BIGINT, ${names.map((name) => `${name} VARCHAR`).join(', ')},
       log_timestamp TIMESTAMP WITH TIME ZONE)`,
    );
    const holes = names.map((_, index) => `$${index + 1}`).join(', ');
    for (const [offset, event] of events.entries()) {
      await db.run(
        `INSERT INTO landed VALUES (${offset}, ${holes}, timestamp_micros(${logTimestampMs * 1000}))`,
        names.map((name) => event[name] ?? null),
      );
    }
  }
});

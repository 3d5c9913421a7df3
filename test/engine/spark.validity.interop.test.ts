import { tmpdir } from 'node:os';
import { localStore } from '@eventlake/delta';
import userEvents from '@eventlake/user-events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../packages/eventlake/src/engine/engine.js';
import { openSparkEngine } from '../../packages/eventlake/src/engine/spark/engine.js';
import type { PipelineDefinition } from '../../packages/eventlake/src/schema/definition.js';
import { checkedSql } from '../../packages/eventlake/src/schema/validation.js';
import {
  logTimestampMs,
  otherCases,
  userEventCases,
  type ValidityCase,
  validEvent,
} from '../contracts/validity.js';
import { otherKinds, validOther } from '../schema/other-kinds.js';
import { type SparkServer, startSpark } from './spark/server.js';

let server: SparkServer;
let engine: Engine;
beforeAll(async () => {
  server = await startSpark();
  engine = await openSparkEngine({
    store: localStore(tmpdir()),
    url: server.url,
    connectTimeoutMs: 60_000,
    statementTimeoutMs: 300_000,
  });
});
afterAll(async () => {
  await engine?.close();
  await server?.close();
});

test('Spark agrees to every rule of what is valid', () => checkCases(userEvents, validEvent, userEventCases));

test('and for the kinds of field that user_events lacks', () =>
  checkCases(otherKinds, validOther, otherCases));

test('the rows that few computed ones are joined with are not moved between machines, however much those were computed from', async () => {
  const session = await engine.open();
  try {
    await session.define('numbers', 'SELECT id FROM range(3000000)');
    await session.define('few', 'SELECT id FROM numbers WHERE id % 1000 = 1', { materialize: true });
    await session.define('many', 'SELECT id FROM numbers WHERE id % 2 = 1', { materialize: true });
    const without = (computed: string) =>
      `SELECT numbers.id FROM numbers ANTI JOIN ${computed} ON numbers.id = ${computed}.id`;
    const planOf = async (computed: string) =>
      JSON.stringify(await session.query(`EXPLAIN ${without(computed)}`));
    expect(await planOf('few')).toContain('BroadcastHashJoin');
    expect(await planOf('many')).not.toContain('Broadcast');
    const counted = await session.query(`SELECT count(*) AS n FROM (${without('few')}) AS others`);
    expect(counted).toEqual([{ n: 2_997_000 }]);
  } finally {
    await session.close();
  }
});

async function checkCases(
  pipeline: PipelineDefinition,
  valid: Record<string, string>,
  casesOf: Record<string, ValidityCase[]>,
): Promise<void> {
  const { fields } = pipeline.event;
  const names = Object.keys(fields);
  const cases = Object.entries(casesOf).flatMap(([field, list]) => list.map((it) => ({ field, it })));
  const rows = cases.map(({ field, it }, offset) => {
    const event: Record<string, string | null> = { ...valid, [field]: it.raw };
    return `(${offset}, ${names.map((name) => textSql(event[name] ?? null)).join(', ')})`;
  });
  const session = await engine.open();
  try {
    await session.define(
      'landed',
      `SELECT *, timestamp_micros(${logTimestampMs * 1000}) AS log_timestamp
       FROM VALUES ${rows.join(', ')} AS landed(log_offset, ${names.join(', ')})`,
    );
    const values = names.map((name) =>
      fields[name]!.kind === 'timestamp' ? `unix_micros(${name}) AS ${name}` : name,
    );
    const answers = await session.query(
      `SELECT ${values.join(', ')}, ${names.map((name) => `raw_${name}`).join(', ')}, reject_reason
       FROM (${checkedSql(pipeline, 'landed', ['log_offset'])}) AS checked ORDER BY log_offset`,
    );
    const seen = cases.map(({ field }, i) => {
      const { [`raw_${field}`]: raw, [field]: value, reject_reason: reject } = answers[i]!;
      return reject === null ? { field, raw, value: exact(value) } : { field, raw, reject };
    });
    const wanted = cases.map(({ field, it }) =>
      'value' in it ? { field, raw: it.raw, value: exact(it.value) } : { field, ...it },
    );
    expect(seen).toEqual(wanted);
  } finally {
    await session.close();
  }
}

/** Whole numbers come as number where that is exact. */
function exact(value: unknown): unknown {
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value;
}

function textSql(text: string | null): string {
  return text === null
    ? 'CAST(NULL AS STRING)'
    : `CAST(unhex('${Buffer.from(text).toString('hex')}') AS STRING)`;
}

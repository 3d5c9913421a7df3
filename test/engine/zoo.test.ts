import pipeline from '@eventlake/user-events';
import { expect, test } from 'vitest';
import { checkedSql } from '../../packages/eventlake/src/schema/validation.js';
import { createRandom } from '../../pipelines/user-events/src/simulator/random.js';
import { simulate } from '../../pipelines/user-events/src/simulator/simulate.js';
import { zoo } from '../../pipelines/user-events/src/simulator/zoo.js';
import { openEngine } from './duckdb.js';

/** The memory log's clock. */
const nowMs = 1_750_000_000_000;
const rounds = 25;

test('every specimen of the simulator’s zoo has its fate: valid, rejected, or unreadable', async () => {
  const { engine, log, close } = await openEngine();
  const random = createRandom(7);
  const specimens = zoo.flatMap((specimen) => goodEvents().map((json) => ({ specimen, json })));
  const range = log.add(
    0,
    specimens.map(({ specimen, json }) => specimen.make(json, random)),
  );
  const session = await engine.open();
  await session.readLog('records', pipeline.event, [range]);
  await session.define('checked', checkedSql(pipeline, 'records', ['log_offset', 'parse_error']));
  const rows = await session.query<{ parse_error: string | null; reject_reason: string | null }>(
    'SELECT parse_error, reject_reason FROM checked ORDER BY log_offset',
  );
  const fates = rows.map(({ parse_error, reject_reason }) =>
    parse_error !== null ? 'unreadable' : reject_reason !== null ? 'rejected' : 'valid',
  );
  const wrong = specimens.flatMap(({ specimen, json }, i) =>
    fates[i] === specimen.fate ? [] : [`${specimen.name} is ${fates[i]}: ${specimen.make(json, random)}`],
  );
  expect(wrong).toEqual([]);
  expect(new Set(zoo.map(({ name }) => name)).size).toBe(zoo.length);
  await session.close();
  await close();
});

function goodEvents(): string[] {
  const calm = { users: 50, duplicates: 0, malformed: 0, late: 0, outOfOrder: 0 };
  const { values, bounds } = simulate({ ...calm, seed: 3, startMs: nowMs - 1000 }).next(rounds, nowMs);
  return Array.from({ length: rounds }, (_, i) =>
    Buffer.from(values.subarray(bounds[i], bounds[i + 1])).toString(),
  );
}

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDuckDbEngine } from '../../packages/eventlake/src/engine/duckdb/engine.js';
import type { Engine } from '../../packages/eventlake/src/engine/engine.js';
import { openSparkEngine } from '../../packages/eventlake/src/engine/spark/engine.js';
import { parseRecord } from '../../packages/eventlake/src/engine/strict-json.js';
import { defineEvent, integer, text, timestamp, uuid } from '../../packages/eventlake/src/index.js';
import { liveBoundsSql, liveEventsSql, liveIncrementsSql } from '../../packages/eventlake/src/schema/sql.js';
import { checkedSql } from '../../packages/eventlake/src/schema/validation.js';
import { type Lake, NOON_MS, openLake } from '../jobs/lake.js';
import { land } from '../jobs/landing.js';
import { layerOf } from '../jobs/tables.js';
import { recordBytes, recordNames } from './records.arbitrary.js';
import { type KafkaUnderTest, produceTo, startKafka } from './spark/kafka.js';
import { badDays, statesOf } from './spark/lakes.js';
import { type SparkServer, startSpark } from './spark/server.js';

const EVENTS = 20_000;

let server: SparkServer;
let kafka: KafkaUnderTest;
const lakes: Lake[] = [];
const engines: Engine[] = [];
beforeAll(async () => {
  [server, kafka] = await Promise.all([startSpark(), startKafka()]);
});
afterAll(async () => {
  for (const engine of engines) await engine.close();
  for (const lake of lakes) await lake.close();
  await server?.close();
  await kafka?.close();
});

test('both engines land the same records of Kafka as the same rows, and count the same windows', async () => {
  const { log } = kafka;
  const [duckdb, spark] = [await openLake(), await openLake()];
  lakes.push(duckdb, spark);
  const { pipeline, store, settings } = duckdb.context;
  const { topic } = pipeline.event;
  await log.createTopic(topic, { partitions: 2 });
  await log.append(topic, badDays(11).next(EVENTS, NOON_MS));
  const { dataDir } = settings;
  const duckdbEngine = await openDuckDbEngine({ store, log, dataDir, memoryMb: 384, threads: 2 });
  const sparkEngine = await openSparkEngine({
    ...{ store: spark.context.store, kafka: kafka.options, url: server.url },
    ...{ connectTimeoutMs: 60_000, statementTimeoutMs: 300_000 },
  });
  engines.push(duckdbEngine, sparkEngine);
  // The same plans for both: only the engine differs.
  const contexts = [
    { ...duckdb.context, log, engine: duckdbEngine },
    { ...spark.context, log, engine: sparkEngine },
  ] as const;
  await land(contexts[0]);
  await land(contexts[1]);
  const landed = await layerOf(contexts[0], 'bronze');
  expect(landed['bronze.user_events']!.length).toBeGreaterThan(EVENTS * 0.9);
  expect(landed['bronze.user_events_quarantine']!.length).toBeGreaterThan(0);
  expect(await layerOf(contexts[1], 'bronze'), 'read by Spark').toEqual(landed);
  expect(await statesOf(spark, 'bronze.')).toEqual(await statesOf(duckdb, 'bronze.'));

  const { partitions } = await log.topic(topic);
  const ranges = partitions.map((p) => ({ partition: p.partition, from: p.startOffset, to: p.endOffset }));
  const counted = await Promise.all(
    engines.map(async (engine) => {
      const session = await engine.open();
      try {
        await session.readLog('records', pipeline.event, ranges);
        await session.define('checked', checkedSql(pipeline, 'records', ['log_partition', 'log_offset']));
        await session.define('live_events', liveEventsSql(pipeline, 'checked'), { materialize: true });
        const bounds = await session.query(liveBoundsSql('live_events'));
        const rows = await session.query(liveIncrementsSql(pipeline, 'live_events', new Map(), true));
        const sorted = (list: unknown[]) => list.map((row) => JSON.stringify(row)).sort();
        return { bounds: sorted(bounds), rows: sorted(rows) };
      } finally {
        await session.close();
      }
    }),
  );
  expect(counted[0]!.rows.length).toBeGreaterThan(0);
  expect(counted[1]).toEqual(counted[0]);
});

test('whatever the records, every one of them is a row, and the strict parser agrees', async () => {
  const { log } = kafka;
  const lake = await openLake();
  lakes.push(lake);
  const engine = await openSparkEngine({
    ...{ store: lake.context.store, kafka: kafka.options, url: server.url },
    ...{ connectTimeoutMs: 60_000, statementTimeoutMs: 300_000 },
  });
  engines.push(engine);
  const [id, kind, page] = [uuid(), text(), timestamp()];
  const fields = { id, n: integer().optional(), kind, page };
  const event = defineEvent({ name: 'things', topic: 'things', id: 'id', time: 'page', key: 'kind', fields });
  await log.createTopic('things', { partitions: 1 });
  // A few large batches: each costs seconds, however few its records.
  const batches = fc.array(fc.option(recordBytes, { freq: 30 }), { minLength: 3_000, maxLength: 3_000 });
  await fc.assert(
    fc.asyncProperty(batches, async (values) => {
      const range = await produceTo(log, 'things', values, 0);
      const session = await engine.open();
      try {
        const { records } = await session.readLog('landed', event, [range]);
        expect(records).toBe(values.length);
        const columns = ['raw', 'parse_error', ...recordNames, 'rescued'].join(', ');
        const rows = await session.query(`SELECT ${columns} FROM landed ORDER BY log_offset`);
        expect(rows).toEqual(values.map(strictly));
      } finally {
        await session.close();
      }
    }),
    { numRuns: 2, endOnFailure: true },
  );
});

function strictly(value: Uint8Array | null): Record<string, unknown> {
  const parsed = parseRecord(value, recordNames);
  const failed = 'parseError' in parsed;
  return {
    raw: failed ? value : null,
    parse_error: failed ? parsed.parseError : null,
    ...Object.fromEntries(recordNames.map((name, i) => [name, failed ? null : parsed.fields[i]])),
    rescued: failed ? null : parsed.rescued,
  };
}

import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { localStore, openTable } from '@eventlake/delta';
import pipeline from '@eventlake/user-events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDuckDbEngine } from '../../packages/eventlake/src/engine/duckdb/engine.js';
import type { EventLog } from '../../packages/eventlake/src/log/event-log.js';
import { deltaTables } from '../../packages/eventlake/src/schema/tables.js';
import { finished, run, start } from '../cli/eventlake.js';
import { type Broker, startBroker } from '../log/kafka/broker.js';
import { type SparkServer, startSpark } from './spark/server.js';

/** What two busy cores take four minutes for, most of it for any number. Fewer or more to try something out. */
const EVENTS = Number(process.env.EVENTLAKE_TEST_EVENTS ?? 200_000);
const TIMEOUT_MS = 900_000;
const JOBS = ['raw-landing', 'fast-agg', 'bronze-to-silver', 'silver-to-gold'] as const;
const CLOCKS = ['ingestion_timestamp', 'processed_timestamp', 'updated_at'];
const DIALS = ['--duplicates', '0.05', '--malformed', '0.02', '--late', '0.03', '--out-of-order', '0.1'];

let broker: Broker;
let server: SparkServer;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eventlake-engines-'));
  [broker, server] = await Promise.all([startBroker(), startSpark()]);
});
afterAll(async () => {
  await server?.close();
  await broker?.remove();
  await rm(folder, { recursive: true, force: true });
});

type Side = 'duckdb' | 'spark';

/** The settings of the lake whose jobs this engine computes. Both read one topic. */
function env(engine: Side, verifier: Side = engine) {
  return {
    EVENTLAKE_DATA_DIR: join(folder, engine),
    EVENTLAKE_ENGINE: verifier,
    EVENTLAKE_SPARK_URL: server.url,
    EVENTLAKE_LOG_KAFKA_BROKERS: broker.address,
    EVENTLAKE_LOG_KAFKA_GROUP_PREFIX: engine,
    EVENTLAKE_CLICKHOUSE_PORT: '0',
  };
}

async function eventlake(engine: Side, ...args: string[]) {
  // Counting everything anew takes Spark minutes; DuckDB counts what Spark has written.
  const settings = env(engine, args[0] === 'verify' ? 'duckdb' : engine);
  const { code, stdout, stderr } = await run(args, { env: settings, cwd: folder });
  expect(code, `${args.join(' ')} on ${engine}: ${stderr}`).toBe(0);
  return stdout;
}

async function produce(seed: string) {
  const count = String(EVENTS / 2);
  await eventlake('duckdb', 'run', 'producer', '--rate', '0', '--count', count, '--seed', seed, ...DIALS);
}

test(
  '200,000 events of bad days through Kafka, by each engine: every table the same, and Spark and its driver killed meanwhile',
  async () => {
    await produce('1');
    for (const job of JOBS) await eventlake('duckdb', 'run', job, '--once');
    const landing = start(['run', 'raw-landing', '--json'], { env: env('spark'), cwd: folder });
    const ended = finished(landing);
    const plans = join(folder, 'spark/lakehouse/checkpoints/raw-landing/user-events');
    while (!existsSync(plans)) {
      expect(landing.exitCode).toBe(null);
      await sleep(50);
    }
    await server.kill();
    await server.restart();
    await sleep(500);
    landing.kill('SIGKILL');
    await ended;
    for (const job of JOBS) await eventlake('spark', 'run', job, '--once');

    await produce('2');
    for (const engine of ['duckdb', 'spark'] as const) {
      for (const job of JOBS) await eventlake(engine, 'run', job, '--once');
      await eventlake(engine, 'verify', '--deep');
    }
    expect(await differences()).toEqual({});
    const shown: Record<Side, unknown[][]> = { duckdb: [], spark: [] };
    for (const sql of SHOWN) {
      for (const engine of ['duckdb', 'spark'] as const) {
        shown[engine].push(JSON.parse(await eventlake(engine, 'query', '--json', sql)).data);
      }
    }
    expect(shown.spark).toEqual(shown.duckdb);
    expect(SHOWN.filter((_, i) => shown.duckdb[i]!.length === 0)).toEqual([]);
  },
  TIMEOUT_MS,
);

/** What users see: sums of the live tables' increments, and gold, whose rollups' increments may be folded or not. */
const SHOWN = [
  'SELECT window_start, event_type, sum(event_count) AS n FROM realtime.events_per_minute GROUP BY ALL ORDER BY ALL',
  'SELECT window_start, source, sum(login_count) AS n FROM realtime.logins_per_source GROUP BY ALL ORDER BY ALL',
  'SELECT window_start, sum(purchase_count) AS n FROM realtime.purchases_per_minute GROUP BY ALL ORDER BY ALL',
  'SELECT window_start, event_type, sum(event_count) AS n FROM realtime.late_events_per_minute GROUP BY ALL ORDER BY ALL',
  'SELECT event_date, dau_count FROM gold.daily_active_users ORDER BY ALL',
  'SELECT event_date, source, event_count FROM gold.events_per_source_daily ORDER BY ALL',
  'SELECT event_date, purchases, total_events, conversion_rate FROM gold.conversion_rate_daily ORDER BY ALL',
];

/** By table: what differs. Rows are compared by a third connection, as sets that may hold a row several times. */
async function differences(): Promise<Record<string, unknown>> {
  const store = localStore(folder);
  const log = undefined as unknown as EventLog;
  const engine = await openDuckDbEngine({ store, log, dataDir: folder, memoryMb: 512, threads: 2 });
  const found: Record<string, unknown> = {};
  try {
    for (const { name, columns } of deltaTables(pipeline)) {
      const session = await engine.open();
      const types = await Promise.all(
        ['duckdb', 'spark'].map(async (side) => {
          await session.readTable(side, `${side}.lakehouse.${name}`);
          const table = await openTable(store, `${side}/lakehouse/${name.replace('.', '/')}`);
          return JSON.stringify((await table.snapshot()).schema.fields);
        }),
      );
      if (types[0] !== types[1]) found[`${name}: types`] = types;
      // Increments of rollups may be folded or not: what they add up to is compared through the tables made of them.
      if (pipeline.gold.some((table) => table.name === name && table.grows === 'rollup')) continue;
      const kept = columns.map((column) => column.name).filter((column) => !CLOCKS.includes(column));
      const rows = (side: string) => `SELECT ${kept.join(', ')} FROM ${side}`;
      for (const [one, other] of [
        ['duckdb', 'spark'],
        ['spark', 'duckdb'],
      ] as const) {
        const only = await session.query(`${rows(one)} EXCEPT ALL ${rows(other)} LIMIT 3`);
        if (only.length > 0) found[`${name}: only in ${one}`] = only;
      }
      await session.close();
    }
  } finally {
    await engine.close();
  }
  return found;
}

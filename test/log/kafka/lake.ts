import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localStore } from '@eventlake/delta';
import pipeline from '@eventlake/user-events';
import { expect } from 'vitest';
import { openDuckDbEngine } from '../../../packages/eventlake/src/engine/duckdb/engine.js';
import { openKafkaLog } from '../../../packages/eventlake/src/log/kafka-log.js';
import { deltaTables } from '../../../packages/eventlake/src/schema/tables.js';
import { run, start } from '../../cli/eventlake.js';
import { kafkaSettings } from './client.js';

export const { topic } = pipeline.event;

/** A lakehouse over a broker, worked on by the real commands; several instances may share it. */
export async function kafkaLake(broker: string, groupPrefix: string) {
  const root = await mkdtemp(join(tmpdir(), 'eventlake-kafka-lake-'));
  const lakehouse = join(root, 'lakehouse');
  const environment = (instance: string, more: Readonly<Record<string, string>> = {}) => ({
    EVENTLAKE_DATA_DIR: join(root, instance),
    EVENTLAKE_LAKEHOUSE: lakehouse,
    EVENTLAKE_LOG_KAFKA_BROKERS: broker,
    EVENTLAKE_LOG_KAFKA_GROUP_PREFIX: groupPrefix,
    EVENTLAKE_LOG_KAFKA_REQUEST_TIMEOUT_MS: '3000',
    EVENTLAKE_CLICKHOUSE_PORT: '0',
    EVENTLAKE_STANDBY_AFTER_MS: '2000',
    EVENTLAKE_RAW_LANDING_COMMIT_INTERVAL_MS: '200',
    ...more,
  });
  return {
    root,
    /** An instance on what might be a machine of its own: locks and scratch files are its own. */
    start: (args: readonly string[], instance = 'main', more: Readonly<Record<string, string>> = {}) =>
      start(args, { cwd: root, env: environment(instance, more) }),
    async run(args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<string> {
      const { code, stdout, stderr } = await run(args, { cwd: root, env: environment('main', more) });
      if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
      return stdout;
    },
    /** Everything that has arrived goes all the way; then the ledger must balance, recounted row by row. */
    async settleAndVerify(more: Readonly<Record<string, string>> = {}): Promise<void> {
      await this.settle(more);
      await this.run(['run', 'fast-agg', '--once'], more);
      await this.run(['verify', '--deep']);
    },
    /** As far as the Delta tables. */
    async settle(more: Readonly<Record<string, string>> = {}): Promise<void> {
      for (const job of ['raw-landing', 'bronze-to-silver', 'silver-to-gold'])
        await this.run(['run', job, '--once'], more);
    },
    /** All rows of all tables, without what depends on when and in which batch they were made. */
    async tables(): Promise<Record<string, string[]>> {
      const log = await openKafkaLog(kafkaSettings({ brokers: broker.split(','), groupPrefix }));
      const store = localStore(lakehouse);
      const dataDir = join(root, 'reader');
      const engine = await openDuckDbEngine({ store, log, dataDir, memoryMb: 512, threads: 2 });
      const session = await engine.open();
      try {
        const tables: Record<string, string[]> = {};
        for (const { name, columns } of deltaTables(pipeline)) {
          if (name.startsWith('rollup.') || name.endsWith('_gaps')) continue;
          const stable = columns.map((column) => column.name).filter((column) => !DEPENDS_ON_RUN.has(column));
          await session.readTable('rows_of', name);
          const rows = await session.query(`SELECT ${stable.join(', ')} FROM rows_of`);
          tables[name] = rows.map((row) => JSON.stringify(row)).sort();
        }
        return tables;
      } finally {
        await session.close();
        await engine.close();
        await log.close();
      }
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

const DEPENDS_ON_RUN = new Set([
  'ingestion_timestamp',
  'processed_timestamp',
  'updated_at',
  'log_batch',
  'rejected_at',
]);

export type KafkaLake = Awaited<ReturnType<typeof kafkaLake>>;

/** What was acknowledged is in the log once; every table is what an undisturbed run makes of the same topic. */
export async function expectAllIsWell(lake: KafkaLake, broker: string, records: number): Promise<void> {
  const log = await openKafkaLog(kafkaSettings({ brokers: broker.split(',') }));
  let inLog = 0;
  for (const { partition, startOffset: from, endOffset: to } of (await log.topic(topic)).partitions)
    for await (const { count } of log.read(topic, { partition, from, to })) inLog += count;
  await log.close();
  expect(inLog).toBe(records);
  await lake.settleAndVerify();
  const undisturbed = await kafkaLake(broker, 'undisturbed');
  try {
    await undisturbed.settle();
    expectEqualTables(await lake.tables(), await undisturbed.tables());
  } finally {
    await undisturbed.remove();
  }
}

/** Compared by table, so that a difference of a million rows is told in a line. */
export function expectEqualTables(found: Record<string, string[]>, wanted: Record<string, string[]>): void {
  expect(Object.keys(found)).toEqual(Object.keys(wanted));
  for (const [name, rows] of Object.entries(wanted)) {
    expect([name, found[name]!.length]).toEqual([name, rows.length]);
    const different = rows.findIndex((row, i) => row !== found[name]![i]);
    expect([name, found[name]![different]]).toEqual([name, rows[different]]);
  }
}

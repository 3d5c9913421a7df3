import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localStore } from '@eventlake/delta';
import pipeline from '@eventlake/user-events';
import pino from 'pino';
import { afterAll } from 'vitest';
import { settingsSchema } from '../../packages/eventlake/src/config/schema.js';
import { openDuckDbEngine } from '../../packages/eventlake/src/engine/duckdb/engine.js';
import type { JobContext } from '../../packages/eventlake/src/jobs/job.js';
import { openEmbeddedLog } from '../../packages/eventlake/src/log/embedded-log.js';
import type { EventLog } from '../../packages/eventlake/src/log/event-log.js';
import { type NewRecord, recordBatch } from '../../packages/eventlake/src/log/record-batch.js';
import type { PipelineDefinition } from '../../packages/eventlake/src/schema/definition.js';
import { connectServing } from '../../packages/eventlake/src/serving/connect.js';
import type { Serving } from '../../packages/eventlake/src/serving/serving.js';

/** A lake with all its parts, real, on a folder of its own. */
export interface Lake {
  context: JobContext;
  /** The clock of the log and the jobs, milliseconds since 1970. */
  clock: { ms: number };
  /** Arms the next crash: a crash point's name, and for which time it is passed. Empty: none. */
  crash: { at: string; nth: number; passed: string[] };
  append(records: readonly NewRecord[]): Promise<void>;
  close(): Promise<void>;
}

export interface LakeOptions {
  partitions?: number;
  /** ClickHouse takes a second to start, and a process can have one folder of it: shared by those that need it. */
  serving?: Serving;
  /** What the jobs and the engine read, made from the embedded log: one with gaps, say. */
  log?: (embedded: EventLog) => EventLog;
}

export const NOON_MS = Date.UTC(2025, 2, 10, 12);

export class Crash extends Error {}

export async function openLake({ partitions = 2, serving, log: seenAs }: LakeOptions = {}): Promise<Lake> {
  const dataDir = await mkdtemp(join(tmpdir(), 'eventlake-lake-'));
  const clock = { ms: NOON_MS };
  const crash: Lake['crash'] = { at: '', nth: 1, passed: [] };
  const settings = settingsSchema.parse({
    dataDir,
    lakehouse: join(dataDir, 'lakehouse'),
    logLevel: 'silent',
  });
  const embedded = await openEmbeddedLog({ dir: join(dataDir, 'log'), now: () => clock.ms });
  const log = seenAs?.(embedded) ?? embedded;
  const { topic } = pipeline.event;
  await log.createTopic(topic, { partitions });
  const store = localStore(settings.lakehouse);
  const engine = await openDuckDbEngine({ store, log, dataDir, memoryMb: 384, threads: 2 });
  let left = 0;
  const context: JobContext = {
    pipeline: serving ? pipeline : unserved(pipeline),
    settings,
    store,
    log,
    engine,
    serving: async () => {
      if (serving) return serving;
      throw new Error('This lake serves nothing');
    },
    logger: pino({ level: 'silent' }),
    now: () => clock.ms,
    signal: new AbortController().signal,
    crashPoint(name) {
      crash.passed.push(name);
      if (name !== crash.at) return;
      left = left === 0 ? crash.nth : left;
      left -= 1;
      if (left > 0) return;
      crash.at = '';
      throw new Crash(name);
    },
  };
  return {
    context,
    clock,
    crash,
    append: async (records) => {
      if (records.length > 0) await embedded.append(topic, recordBatch(records));
    },
    close: async () => {
      await engine.close();
      await embedded.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** ClickHouse on a folder of its own, for the tests of one file. */
export async function openServing(): Promise<{ serving: Serving; close(): Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'eventlake-serving-'));
  const settings = { clickhouse: { host: '127.0.0.1', port: 0 }, lakehouse: join(dataDir, 'nothing') };
  const serving = await connectServing({ settings, dataDir, logger: pino({ level: 'silent' }) });
  return {
    serving,
    close: async () => {
      await serving.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** The same, until the tests of the file are through. */
export async function servingOfFile(): Promise<Serving> {
  const { serving, close } = await openServing();
  afterAll(close);
  return serving;
}

function unserved(definition: PipelineDefinition): PipelineDefinition {
  return { ...definition, gold: definition.gold.map(({ serve: _, ...table }) => table) };
}

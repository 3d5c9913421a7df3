import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pipeline from '@eventlake/user-events';
import { expect } from 'vitest';
import { openEmbeddedLog } from '../../../packages/eventlake/src/log/embedded-log.js';
import type { EventLog } from '../../../packages/eventlake/src/log/event-log.js';
import type { Simulation } from '../../../packages/eventlake/src/schema/definition.js';
import { type Finished, run } from '../../cli/eventlake.js';

const { topic } = pipeline.event;
export const JOBS = ['raw-landing', 'bronze-to-silver', 'silver-to-gold', 'fast-agg'] as const;
export const PARTITIONS = 4;

/** Duplicates, records that are no event, late and early ones. */
export const BAD_DAYS = { duplicates: 0.05, malformed: 0.02, late: 0.05, outOfOrder: 0.1 };

export const simulation = (seed: number): Simulation =>
  pipeline.simulate!({ seed, startMs: Date.now() - 3_600_000, users: 60, ...BAD_DAYS });

export const newFolder = () => mkdtemp(join(tmpdir(), 'eventlake-crash-'));
export const removeFolder = (dataDir: string) => rm(dataDir, { recursive: true, force: true });

export async function withLog<T>(dataDir: string, use: (log: EventLog) => Promise<T>): Promise<T> {
  const log = await openEmbeddedLog({ dir: join(dataDir, 'log') });
  try {
    await log.createTopic(topic, { partitions: PARTITIONS });
    return await use(log);
  } finally {
    await log.close();
  }
}

export const append = (dataDir: string, events: Simulation, count: number) =>
  withLog(dataDir, (log) => log.append(topic, events.next(count, Date.now())));

/** Both readers of the log have begun, and what came first was removed before they read it. */
export const loseTheFirst = (dataDir: string, events: Simulation, count: number) =>
  withLog(dataDir, async (log) => {
    await readAnew(log);
    await log.append(topic, events.next(count, Date.now()));
    await log.createTopic(topic, { partitions: PARTITIONS, retentionBytesMax: 1 });
    await log.enforceRetention(topic, { force: true });
    await log.createTopic(topic, { partitions: PARTITIONS, retentionBytesMax: 2 ** 40 });
  });

async function readAnew(log: EventLog): Promise<void> {
  for (const consumer of ['raw-landing', 'fast-agg']) {
    await log.commitPositions(consumer, topic, new Array<number>(PARTITIONS).fill(0));
  }
}

/** Small files are put together at once, records that are gone are no reason to stop. */
export const ENV = {
  EVENTLAKE_MAINTENANCE_COMPACT_AFTER_FILES: '3',
  EVENTLAKE_ON_DATA_LOSS: 'continue',
  EVENTLAKE_LOG_LEVEL: 'warn',
  EVENTLAKE_CLICKHOUSE_PORT: '0',
};

/** A job until it has caught up, or until it is killed at `crashAt`. */
export const runJob = (
  dataDir: string,
  job: string,
  crashAt?: string,
  env: Record<string, string> = {},
): Promise<Finished> =>
  run(['run', job, '--once', ...refreshing(crashAt), '--data-dir', dataDir], {
    env: { ...ENV, ...env, ...(crashAt && { EVENTLAKE_CRASH_AT: crashAt }) },
  });

/** Some points are passed only where tables are made anew. */
const refreshing = (crashAt = '') => (/reset/.test(crashAt) ? ['--full-refresh'] : []);

export async function catchUp(dataDir: string, env: Record<string, string> = {}): Promise<void> {
  for (const job of JOBS) {
    const { code, stderr } = await runJob(dataDir, job, undefined, env);
    expect(code, `${job}: ${stderr}`).toBe(0);
  }
}

/** What the same log becomes where nothing ever happens. */
export async function undisturbed(dataDir: string): Promise<string> {
  const folder = await newFolder();
  await mkdir(join(folder, 'log'));
  await cp(join(dataDir, 'log', 'data.mdb'), join(folder, 'log', 'data.mdb'));
  await withLog(folder, readAnew);
  await catchUp(folder);
  return folder;
}

export async function expectGreen(dataDir: string, env: Record<string, string> = {}): Promise<void> {
  const { code, stdout, stderr } = await run(['verify', '--deep', '--json', '--data-dir', dataDir], {
    env: { ...ENV, ...env },
  });
  const { checks } = JSON.parse(stdout || '{"checks":[]}') as { checks: { status: string }[] };
  expect(code, `${stderr}\n${JSON.stringify(checks, null, 1)}`).toBe(0);
  expect(checks.filter(({ status }) => status !== 'ok')).toEqual([]);
}

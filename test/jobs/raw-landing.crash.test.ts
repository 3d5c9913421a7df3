import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localStore } from '@eventlake/delta';
import pipeline from '@eventlake/user-events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDuckDbEngine } from '../../packages/eventlake/src/engine/duckdb/engine.js';
import { openEmbeddedLog } from '../../packages/eventlake/src/log/embedded-log.js';
import { run, start } from '../cli/eventlake.js';
import { seededRandom } from '../log/support/seeded-random.js';

const { topic, name } = pipeline.event;

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'eventlake-crash-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

const simulation = () =>
  pipeline.simulate!({
    seed: 7,
    startMs: Date.UTC(2025, 0, 1),
    users: 100,
    duplicates: 0,
    malformed: 0.05,
    late: 0,
    outOfOrder: 0,
  });

async function withLog<T>(use: (log: Awaited<ReturnType<typeof openEmbeddedLog>>) => Promise<T>): Promise<T> {
  const log = await openEmbeddedLog({ dir: join(dataDir, 'log') });
  try {
    await log.createTopic(topic, { partitions: 4 });
    return await use(log);
  } finally {
    await log.close();
  }
}

/** Every record of the log is in exactly one of the two tables, at its place. */
async function expectComplete(): Promise<void> {
  await withLog(async (log) => {
    const store = localStore(join(dataDir, 'lakehouse'));
    const engine = await openDuckDbEngine({ store, log, dataDir, memoryMb: 256, threads: 2 });
    const session = await engine.open();
    try {
      await session.readTable('bronze', `bronze.${name}`);
      await session.readTable('quarantine', `bronze.${name}_quarantine`);
      const both = `SELECT log_partition, log_offset FROM bronze UNION ALL SELECT log_partition, log_offset FROM quarantine`;
      const landed = await session.query(
        `SELECT log_partition, min(log_offset) AS first, max(log_offset) + 1 AS next, count(*) AS landed,
          count(DISTINCT log_offset) AS places FROM (${both}) AS records GROUP BY log_partition ORDER BY 1`,
      );
      const { partitions } = await log.topic(topic);
      expect(landed).toEqual(
        partitions
          .filter(({ endOffset }) => endOffset > 0)
          .map(({ partition, endOffset }) => ({
            log_partition: partition,
            first: 0,
            next: endOffset,
            landed: endOffset,
            places: endOffset,
          })),
      );
    } finally {
      await session.close();
      await engine.close();
    }
  });
}

const command = ['run', 'raw-landing', '--once', '--data-dir'];

test.each([
  'raw-landing:before-plan',
  'raw-landing:after-plan',
  'raw-landing:after-prepare',
  'raw-landing:after-quarantine-commit',
  'raw-landing:after-commit',
  'raw-landing:after-position',
])('killed at %s, in the first batch and in a later one: nothing lost, nothing twice', async (step) => {
  const events = simulation();
  for (const nth of [1, 2]) {
    await withLog((log) => log.append(topic, events.next(2000, Date.UTC(2025, 0, 1, nth))));
    const env = {
      EVENTLAKE_CRASH_AT: `${step}:${nth}`,
      // Small batches: several in one run.
      EVENTLAKE_RAW_LANDING_COMMIT_BYTES_MAX: '100000',
    };
    expect(await run([...command, dataDir], { env })).toMatchObject({ signal: 'SIGKILL' });
  }
  expect(await run([...command, dataDir])).toMatchObject({ code: 0 });
  await expectComplete();
});

test('killed at random moments while records arrive: nothing lost, nothing twice', async () => {
  const random = seededRandom();
  const events = simulation();
  const env = { EVENTLAKE_RAW_LANDING_COMMIT_INTERVAL_MS: '20' };
  for (let round = 1; round <= 12; round++) {
    await withLog((log) => log.append(topic, events.next(1000, Date.UTC(2025, 0, 1, round))));
    const child = start(['run', 'raw-landing', '--data-dir', dataDir], { env, stdio: 'ignore' });
    // Between starting up, which takes a few hundred milliseconds, and some batches later.
    const diesAt = performance.now() + 300 + random() * 900;
    await withLog(async (log) => {
      while (performance.now() < diesAt) {
        await log.append(topic, events.next(50, Date.UTC(2025, 0, 1, round)));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }
  expect(await run([...command, dataDir])).toMatchObject({ code: 0 });
  await expectComplete();
});

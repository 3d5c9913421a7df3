import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { start } from '../cli/eventlake.js';
import { seededRandom } from '../log/support/seeded-random.js';
import {
  append,
  catchUp,
  ENV,
  expectGreen,
  JOBS,
  newFolder,
  removeFolder,
  simulation,
  undisturbed,
} from './support/folder.js';
import { expectSame, tablesOf } from './support/tables.js';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await removeFolder(folder);
});

const ROUNDS = 12;
/** Cut small, so that a moment at random lies between any two steps. */
const SMALL_BATCHES = {
  EVENTLAKE_RAW_LANDING_COMMIT_BYTES_MAX: '60000',
  EVENTLAKE_FAST_AGG_COMMIT_BYTES_MAX: '60000',
};

/** Whether it was killed; otherwise it had caught up before. */
async function killedAfter(dataDir: string, job: string, ms: number): Promise<boolean> {
  const child = start(['run', job, '--once', '--data-dir', dataDir], {
    env: { ...ENV, ...SMALL_BATCHES },
    stdio: 'ignore',
  });
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const [code, signal] = await Promise.race([exit, sleep(ms).then(() => [null, null])]);
  if (code !== null || signal !== null) {
    expect({ job, code, signal }).toEqual({ job, code: 0, signal: null });
    return false;
  }
  child.kill('SIGKILL');
  const [, by] = await exit;
  return by === 'SIGKILL';
}

test('jobs as processes of their own, each killed at random moments, over and over', async () => {
  const random = seededRandom();
  const dataDir = await newFolder();
  folders.push(dataDir);
  const events = simulation(11);
  await append(dataDir, events, 1000);
  /** As long as a job takes from its start to its end, so that a moment at random falls anywhere. */
  const takesMs = new Map<string, number>();
  for (const job of JOBS) {
    const startedMs = performance.now();
    await killedAfter(dataDir, job, 600_000);
    takesMs.set(job, performance.now() - startedMs);
  }
  let killed = 0;
  for (let round = 0; round < ROUNDS; round++) {
    await append(dataDir, events, 1500);
    for (const job of JOBS) {
      const ms = takesMs.get(job)! * (0.3 + random());
      if (await killedAfter(dataDir, job, ms)) killed++;
      // A job that never gets to its end leaves nothing to do for the ones behind it.
      if (random() < 0.5) await killedAfter(dataDir, job, 600_000);
    }
  }
  console.log(`killed ${killed} times`);
  expect(killed).toBeGreaterThanOrEqual(5);
  await catchUp(dataDir);
  await expectGreen(dataDir);
  folders.push(await undisturbed(dataDir));
  expectSame(await tablesOf(dataDir), await tablesOf(folders.at(-1)!));
}, 1_200_000);

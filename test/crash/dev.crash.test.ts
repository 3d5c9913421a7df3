import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import pipeline from '@eventlake/user-events';
import { afterEach, expect, test } from 'vitest';
import { lockHolders } from '../../packages/eventlake/src/system/lock.js';
import { start } from '../cli/eventlake.js';
import { seededRandom } from '../log/support/seeded-random.js';
import {
  BAD_DAYS,
  catchUp,
  ENV,
  expectGreen,
  JOBS,
  newFolder,
  removeFolder,
  undisturbed,
  withLog,
} from './support/folder.js';
import { expectSame, tablesOf } from './support/tables.js';

const folders: string[] = [];
const trees: ChildProcess[] = [];
afterEach(async () => {
  for (const { pid } of trees.splice(0)) kill(-pid!);
  for (const folder of folders.splice(0)) await removeFolder(folder);
});

const ROUNDS = 8;
const KILLS_IN_A_ROUND = 5;
const CHILDREN = [...JOBS, 'serve', 'producer'];

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone.
    return false;
  }
}

function dev(dataDir: string): ChildProcess {
  const settings = {
    'producer.ratePerSecond': 300,
    'bronzeToSilver.intervalMs': 400,
    'silverToGold.intervalMs': 500,
    'rawLanding.commitIntervalMs': 100,
    ...Object.fromEntries(Object.entries(BAD_DAYS).map(([name, share]) => [`producer.${name}`, share])),
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
  // A group of its own, which can be killed as a whole.
  const child = start(['dev', '--no-live', '--port', '0', '--data-dir', dataDir, ...flags], {
    detached: true,
    stdio: 'ignore',
    env: ENV,
  });
  trees.push(child);
  return child;
}

async function pidOf(dataDir: string, name: string): Promise<number | undefined> {
  return (await lockHolders(dataDir)).find((holder) => holder.name === name)?.pid;
}

async function appended(dataDir: string): Promise<number> {
  return withLog(dataDir, async (log) => {
    const { partitions } = await log.topic(pipeline.event.topic);
    return partitions.reduce((sum, { endOffset }) => sum + endOffset, 0);
  });
}

test('`eventlake dev`: children, the whole tree, and the parent alone, killed at random moments', async () => {
  const random = seededRandom();
  const dataDir = await newFolder();
  folders.push(dataDir);
  await withLog(dataDir, async () => {});
  const killed = new Map<string, number>();
  const count = (name: string) => killed.set(name, (killed.get(name) ?? 0) + 1);
  for (let round = 0; round < ROUNDS; round++) {
    const tree = dev(dataDir);
    const ended = once(tree, 'exit');
    const victims = [...CHILDREN].sort(() => random() - 0.5).slice(0, KILLS_IN_A_ROUND);
    for (const name of victims) {
      let pid: number | undefined;
      while (pid === undefined) {
        expect(tree.exitCode, 'dev has ended by itself').toBeNull();
        await sleep(20);
        pid = await pidOf(dataDir, name);
      }
      await sleep(random() * 1500);
      if (kill(pid)) count(name);
    }
    await sleep(random() * 1000);
    // The parent alone: its children notice and end; the next start waits for them.
    kill(round % 3 === 2 ? tree.pid! : -tree.pid!);
    count(round % 3 === 2 ? 'dev' : 'everything');
    await ended;
  }
  for (const name of CHILDREN) {
    while ((await pidOf(dataDir, name)) !== undefined) await sleep(50);
  }
  const total = [...killed.values()].reduce((sum, times) => sum + times, 0);
  const records = await appended(dataDir);
  console.log(`killed ${total} times, ${records} records: ${JSON.stringify(Object.fromEntries(killed))}`);
  expect(total).toBeGreaterThanOrEqual(ROUNDS * KILLS_IN_A_ROUND);
  expect(records).toBeGreaterThan(1000);
  await catchUp(dataDir);
  await expectGreen(dataDir);
  folders.push(await undisturbed(dataDir));
  expectSame(await tablesOf(dataDir), await tablesOf(folders.at(-1)!));
}, 1_200_000);

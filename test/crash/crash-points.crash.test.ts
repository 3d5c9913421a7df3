import pipeline from '@eventlake/user-events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { commitOrder } from '../../packages/eventlake/src/jobs/gold-tables.js';
import { liveTables, servingTables } from '../../packages/eventlake/src/schema/tables.js';
import { sourcesBelow } from '../layout/sources.js';
import {
  append,
  catchUp,
  expectGreen,
  JOBS,
  loseTheFirst,
  newFolder,
  removeFolder,
  runJob,
  simulation,
  undisturbed,
} from './support/folder.js';
import { expectSame, tablesOf } from './support/tables.js';

const folders: string[] = [];
beforeEach(async () => {
  folders.push(await newFolder());
});
afterEach(async () => {
  for (const folder of folders.splice(0)) await removeFolder(folder);
});

/** What the placeholders in the points' names stand for. */
const NAMES: Record<string, readonly string[]> = {
  'bronze-to-silver:after-${name}-commit': ['quarantine', 'duplicates'],
  'silver-to-gold:after-${table.name}-commit': commitOrder(pipeline.gold).map(({ name }) => name),
  'silver-to-gold:after-${serve!.name}-publish': servingTables(pipeline).map(({ name }) => name),
  'fast-agg:after-${table}-insert': liveTables(pipeline).map(({ name }) => name),
};

/** Every point that the sources name, in the order of the sources: a new one is found here by itself. */
function pointsInSources(): string[] {
  const calls = sourcesBelow('packages/eventlake/src').flatMap(({ text }) =>
    [...text.matchAll(/crashPoint\(\s*(['`])(.+?)\1\s*\)/g)].map(([, , name]) => name!),
  );
  return [...new Set(calls)].flatMap((name) => {
    if (!name.includes('${')) return [name];
    const meant = NAMES[name];
    if (!meant) throw new Error(`What does ${name} stand for? Say it in this test.`);
    return meant.map((one) => name.replace(/\$\{.+?\}/, one));
  });
}

/** The job that passes a point; maintenance is between the batches of all of them. */
function jobOf(point: string): (typeof JOBS)[number] {
  return JOBS.find((job) => point.startsWith(`${job}:`)) ?? 'raw-landing';
}

/** Maintenance has something to do, and tables can be made anew, once batches have been there. */
function turnOf(point: string): number {
  return point.startsWith('maintenance:') ? 1 : point.includes('reset') ? 2 : 0;
}

test('killed at every named point around every durable write: each is hit, and nothing shows of it in the end', async () => {
  const dataDir = folders[0]!;
  const events = simulation(7);
  const points = pointsInSources();
  expect(points.length).toBeGreaterThan(35);
  await loseTheFirst(dataDir, events, 100);
  // A start that replays an unfinished batch passes the points that come after the one it broke off at.
  for (const job of JOBS) {
    const own = points.filter((one) => jobOf(one) === job);
    for (const point of own.sort((a, b) => turnOf(a) - turnOf(b))) {
      await append(dataDir, events, 300);
      if (job !== 'raw-landing') expect((await runJob(dataDir, 'raw-landing')).code).toBe(0);
      if (job === 'silver-to-gold') expect((await runJob(dataDir, 'bronze-to-silver')).code).toBe(0);
      const { code, signal, stderr } = await runJob(dataDir, job, point);
      expect({ point, code, signal }, stderr).toEqual({ point, code: null, signal: 'SIGKILL' });
    }
  }
  await catchUp(dataDir);
  await expectGreen(dataDir);
  folders.push(await undisturbed(dataDir));
  expectSame(await tablesOf(dataDir), await tablesOf(folders[1]!));
}, 1_200_000);

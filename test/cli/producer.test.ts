import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openEmbeddedLog } from '../../packages/eventlake/src/log/embedded-log.js';
import { finished, run, start } from './eventlake.js';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'eventlake-producer-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

/** All records of a data folder's log, sorted, so that partitions' interleaving does not matter. */
async function records(dataDir: string): Promise<string[]> {
  const log = await openEmbeddedLog({ dir: join(cwd, dataDir, 'log') });
  const found: string[] = [];
  const { partitions } = await log.topic('user-events');
  for (const { partition, startOffset, endOffset } of partitions) {
    for await (const block of log.read('user-events', { partition, from: startOffset, to: endOffset })) {
      const text = Buffer.from(block.values);
      for (let i = 0; i < block.count; i++) {
        found.push(text.subarray(block.bounds[i], block.bounds[i + 1]).toString('latin1'));
      }
    }
  }
  await log.close();
  return found.sort();
}

test('--count produces so many, and says so', async () => {
  const { code, stdout } = await run(['run', 'producer', '--count', '5000', '--rate', '0', '--json'], {
    cwd,
  });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ count: 5000 });
  expect((await records('.eventlake')).length).toBe(5000);
});

test('the same seed gives the same events, byte by byte, however fast', async () => {
  const args = [
    'run',
    'producer',
    '--seed',
    '7',
    '--count',
    '3000',
    '--malformed',
    '0.05',
    '--duplicates',
    '0.05',
  ];
  await run([...args, '--rate', '1000000', '--data-dir', 'a'], { cwd });
  await run([...args, '--rate', '1000000', '--data-dir', 'b'], { cwd });
  const [a, b] = [await records('a'), await records('b')];
  expect(a.length).toBe(3000);
  expect(b).toEqual(a);
});

test('without a seed no two runs are alike', async () => {
  const args = ['run', 'producer', '--count', '100', '--rate', '0'];
  await run([...args, '--data-dir', 'a'], { cwd });
  await run([...args, '--data-dir', 'b'], { cwd });
  expect(await records('a')).not.toEqual(await records('b'));
});

test('a stop loses nothing of what it has reported', async () => {
  const child = start(['run', 'producer', '--rate', '0', '--json'], { cwd });
  const end = finished(child);
  // Its first line says that it has begun.
  await once(child.stderr!, 'data');
  await sleep(200);
  child.kill('SIGINT');
  const { code, stdout } = await end;
  expect(code).toBe(0);
  const { count } = JSON.parse(stdout) as { count: number };
  expect(count).toBeGreaterThan(0);
  expect((await records('.eventlake')).length).toBe(count);
});

test('several producers at once, and status counts them all', async () => {
  const args = ['run', 'producer', '--count', '2000', '--rate', '0'];
  const runs = await Promise.all([run(args, { cwd }), run(args, { cwd })]);
  expect(runs.map(({ code }) => code)).toEqual([0, 0]);
  const { stdout } = await run(['status', '--json'], { cwd });
  expect(JSON.parse(stdout)).toMatchObject({
    log: { appended: 4000 },
    stages: [{ lag: 4000 }, {}, {}, { lag: 4000 }],
  });
});

test.each([
  [['--rate', 'fast'], 'producer.ratePerSecond is "fast" (from --rate)'],
  [['--out-of-order', '2'], 'producer.outOfOrder is 2 (from --out-of-order)'],
  [['--count', '-1'], '--count is "-1"'],
  [['--start', 'yesterday'], '--start is "yesterday"'],
])('%j is refused', async (args, message) => {
  const { code, stderr } = await run(['run', 'producer', ...args], { cwd });
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});

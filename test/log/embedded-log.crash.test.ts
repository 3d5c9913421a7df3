import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { openEmbeddedLog } from '../../packages/eventlake/src/log/embedded-log.js';
import { readAll, values } from '../contracts/event-log/harness.js';
import { seededRandom } from './support/seeded-random.js';

const CHILD = fileURLToPath(new URL('./support/append-as-source.mjs', import.meta.url));
const ROUNDS = 40;
const SOURCES = ['s0', 's1', 's2'];
const UNTIL = 20_000;

test('kill -9 at random moments, again and again: every record of every source is there exactly once', async () => {
  const random = seededRandom();
  const dir = mkdtempSync(join(tmpdir(), 'eventlake-log-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const log = await openEmbeddedLog({ dir });
  await log.createTopic('topic', { partitions: 3, retentionBytesMax: 1 });

  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(SOURCES.map((source) => runAndKill(dir, source, random() * 60)));
    const ends = (await log.topic('topic')).partitions.map(({ endOffset }) => endOffset);
    // Whatever was cut off, the log goes on, and what was readable before still is.
    expect((await readAll(log, 'topic')).length).toBe(ends.reduce((a, b) => a + b));
  }
  for (const source of SOURCES) expect(await exitOf(start(dir, source))).toBe(0);

  const all = values(await readAll(log, 'topic'));
  const expected = SOURCES.flatMap((source) => Array.from({ length: UNTIL }, (_, i) => `${source}/${i}`));
  expect(all.sort()).toEqual(expected.sort());
  await log.close();
});

async function runAndKill(dir: string, source: string, afterMs: number): Promise<void> {
  const child = start(dir, source);
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

function start(dir: string, source: string) {
  const child = spawn(process.execPath, [CHILD, dir, source, String(UNTIL)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function exitOf(child: ReturnType<typeof start>): Promise<number | null> {
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

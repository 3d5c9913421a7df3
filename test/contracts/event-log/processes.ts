import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { type EventLogHarness, logWithTopic, opened, type ReadRecord, readAll, values } from './harness.js';

const KEYS = ['login', 'click', 'purchase', 'logout', 'other'];

export function processes(harness: EventLogHarness): void {
  test('several producers and consumers at once: nothing lost, nothing twice, each key in order', async () => {
    const { log, topic } = await logWithTopic(harness, { partitions: 3 });
    const count = 3_000;
    const names = ['p0', 'p1', 'p2'];
    const consumers = [0, 1].map(() => start(harness, 'consume', { topic, count: count * names.length }));
    const producers = names.map((name, i) =>
      start(harness, 'produce', { topic, name, keys: KEYS, batch: 7 + 20 * i, count }),
    );
    const acknowledged = await Promise.all(producers.map(finished));
    expect(acknowledged.map((lines) => lines.at(-1))).toEqual(names.map(() => count));

    const records = await readAll(log, topic);
    expect(records).toHaveLength(count * names.length);
    for (const name of names) expectAllInOrder(records, name, count);
    const stored = records.map(({ partition, offset, value }) => [partition, offset, value]).sort(byPlace);
    for (const consumer of consumers) {
      expect(((await finished(consumer)) as [number, number, string][]).sort(byPlace)).toEqual(stored);
    }
  });

  test('kill -9 of producers: what they knew to be acknowledged is there, once, and others go on', async () => {
    const { topic } = await logWithTopic(harness, { partitions: 3 });
    const survivor = start(harness, 'produce', {
      topic,
      name: 'survivor',
      keys: KEYS,
      batch: 10,
      count: 5_000,
    });
    const rounds = 8;
    const acknowledged: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const victim = start(harness, 'produce', { topic, name: `victim${round}`, keys: KEYS, batch: 50 });
      await heardFrom(victim, 1 + round * 7);
      victim.process.kill('SIGKILL');
      acknowledged.push(Number((await ended(victim)).at(-1)));
    }
    expect(await finished(survivor)).toHaveLength(500);

    const records = await readAll(await opened(harness), topic);
    expectAllInOrder(records, 'survivor', 5_000);
    for (const [round, count] of acknowledged.entries()) {
      const of = records.filter(({ value }) => value!.startsWith(`victim${round}/`));
      expect(of.length).toBeGreaterThanOrEqual(count);
      expect(of.length).toBeLessThanOrEqual(count + 50);
      // The batch on its way when the signal came is there as a whole or not at all.
      if (harness.wholeAppends) expect([count, count + 50]).toContain(of.length);
      if (harness.wholeAppends) expectAllInOrder(records, `victim${round}`, of.length);
      else expectBeginningsInOrder(of, `victim${round}`, count);
    }
    for (const partition of [0, 1, 2]) {
      const offsets = records.filter((record) => record.partition === partition).map(({ offset }) => offset);
      expect(new Set(offsets).size).toBe(offsets.length);
    }
  });
}

/** Records 0 to count - 1 of this producer are there once, and those of one key in their order. */
function expectAllInOrder(records: readonly ReadRecord[], name: string, count: number): void {
  const own = values(records).filter((value) => value!.startsWith(`${name}/`)) as string[];
  for (const key of KEYS) {
    const numbers = own
      .filter((value) => value.startsWith(`${name}/${key}/`))
      .map((value) => Number(value.split('/')[2]));
    const expected = Array.from({ length: count }, (_, i) => i).filter((i) => KEYS[i % KEYS.length] === key);
    expect(numbers).toEqual(expected);
  }
}

/** Records 0 to count - 1 are there once; of what followed, some keys may have come further than others. */
function expectBeginningsInOrder(records: readonly ReadRecord[], name: string, count: number): void {
  for (const key of KEYS) {
    const numbers = (values(records) as string[])
      .filter((value) => value.startsWith(`${name}/${key}/`))
      .map((value) => Number(value.split('/')[2]));
    const all = Array.from({ length: count + 50 }, (_, i) => i).filter((i) => KEYS[i % KEYS.length] === key);
    expect(numbers).toEqual(all.slice(0, numbers.length));
    expect(numbers.length).toBeGreaterThanOrEqual(all.filter((i) => i < count).length);
  }
}

function byPlace([a, b]: unknown[], [c, d]: unknown[]): number {
  return Number(a) - Number(c) || Number(b) - Number(d);
}

interface Child {
  process: ChildProcessByStdio<null, Readable, Readable>;
  lines: unknown[];
  errors: string[];
  closed: Promise<unknown>;
}

function start({ child }: EventLogHarness, command: 'produce' | 'consume', parameters: object): Child {
  const script = fileURLToPath(new URL('./child.mjs', import.meta.url));
  const process_ = spawn(
    process.execPath,
    [script, child.module, child.open, JSON.stringify(child.options), command, JSON.stringify(parameters)],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  onTestFinished(() => void process_.kill('SIGKILL'));
  const lines: unknown[] = [];
  const errors: string[] = [];
  createInterface(process_.stdout).on('line', (line) => lines.push(JSON.parse(line)));
  process_.stderr.on('data', (data) => errors.push(String(data)));
  return { process: process_, lines, errors, closed: once(process_, 'close') };
}

async function heardFrom({ process, lines, closed }: Child, count: number): Promise<void> {
  while (lines.length < count && process.exitCode === null)
    await Promise.race([once(process.stdout, 'data'), closed]);
}

async function ended({ closed, lines }: Child): Promise<unknown[]> {
  await closed;
  return lines;
}

async function finished(child: Child): Promise<unknown[]> {
  await child.closed;
  expect(child.errors.join('')).toBe('');
  expect(child.process.exitCode).toBe(0);
  return child.lines;
}

import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { type Pipe, PipePool } from '../../packages/eventlake/src/serving/endpoint/pipes.js';
import { temporaryFolder } from './processes.js';

async function pool(): Promise<PipePool> {
  const opened = await PipePool.open(join(await temporaryFolder(), 'pipes'), 1);
  onTestFinished(() => opened.close());
  return opened;
}

async function allOf(pipe: Pipe, pauseMs = 0): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of pipe.chunks) {
    const copy = Buffer.from(chunk);
    if (pauseMs > 0) await sleep(pauseMs);
    // Its memory is used again, but not before the next chunk is asked for.
    if (!copy.equals(chunk)) throw new Error('a chunk changed while somebody was at it');
    chunks.push(copy);
  }
  return Buffer.concat(chunks);
}

test('what one query has left unread never comes to the next one', async () => {
  const pipes = await pool();
  for (let i = 0; i < 20; i++) {
    const left = pipes.take();
    const writer = openSync(left.path, constants.O_WRONLY);
    writeSync(writer, `secret ${i}`.repeat(3000));
    closeSync(writer);
    left.release();
    const next = pipes.take();
    const again = openSync(next.path, constants.O_WRONLY);
    writeSync(again, `mine ${i}`);
    closeSync(again);
    next.finish();
    expect((await allOf(next)).toString()).toBe(`mine ${i}`);
    next.release();
  }
});

test('results of every length, one after the other and two at a time, come each to its own query', async () => {
  const pipes = await PipePool.open(join(await temporaryFolder(), 'pipes'), 2);
  onTestFinished(() => pipes.close());
  const lengths = [0, 70_000, 3_000_000, 1, 131_072, 131_073, 262_144, 600_000, 12];
  const folder = await temporaryFolder();
  const one = async (length: number, pauseMs: number) => {
    const bytes = randomBytes(length);
    const file = join(folder, randomBytes(8).toString('hex'));
    await writeFile(file, bytes);
    const pipe = pipes.take();
    const writer = spawn('dd', [`if=${file}`, `of=${pipe.path}`, 'bs=1000000'], { stdio: 'ignore' });
    once(writer, 'close').then(() => pipe.finish());
    expect((await allOf(pipe, pauseMs)).equals(bytes)).toBe(true);
    pipe.release();
  };
  for (let i = 0; i < 3 * lengths.length; i++) {
    const [length, other] = [lengths[i % lengths.length]!, lengths[(i * 4 + 3) % lengths.length]!];
    await Promise.all([one(length, i % 3), one(other, 0)]);
  }
});

test.each([
  ['nothing', 0],
  ['one byte', 1],
  ['a page', 4096],
  ['a whole read', 131_072],
  ['a bit more', 131_073],
  ['a whole pipe', 262_144],
  ['megabytes', 20_000_003],
])('%s comes whole, also to who is slow', async (_, length) => {
  const bytes = randomBytes(length);
  const file = join(await temporaryFolder(), 'bytes');
  await writeFile(file, bytes);
  const digest = (data: Buffer) => createHash('sha256').update(data).digest('hex');
  const pipes = await pool();
  for (const pauseMs of [0, 3]) {
    const pipe = pipes.take();
    const writer = spawn('dd', [`if=${file}`, `of=${pipe.path}`, 'bs=100000'], { stdio: 'ignore' });
    once(writer, 'close').then(() => pipe.finish());
    expect(digest(await allOf(pipe, pauseMs))).toBe(digest(bytes));
    pipe.release();
  }
});

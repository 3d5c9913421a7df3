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

async function taken(pool: PipePool): Promise<Pipe> {
  for (;;) {
    try {
      return pool.take();
    } catch {
      await sleep(5);
    }
  }
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
    const left = await taken(pipes);
    const writer = openSync(left.path, constants.O_WRONLY);
    writeSync(writer, `secret ${i}`.repeat(3000));
    closeSync(writer);
    left.release();
    const next = await taken(pipes);
    const again = openSync(next.path, constants.O_WRONLY);
    writeSync(again, `mine ${i}`);
    closeSync(again);
    next.finish();
    expect((await allOf(next)).toString()).toBe(`mine ${i}`);
    next.release();
  }
});

test.each([
  ['nothing', 0],
  ['one byte', 1],
  ['a page', 4096],
  ['a first read', 65_536],
  ['a bit more', 65_537],
  ['megabytes', 20_000_003],
])('%s comes whole, also to who is slow', async (_, length) => {
  const bytes = randomBytes(length);
  const file = join(await temporaryFolder(), 'bytes');
  await writeFile(file, bytes);
  const digest = (data: Buffer) => createHash('sha256').update(data).digest('hex');
  const pipes = await pool();
  for (const pauseMs of [0, 3]) {
    const pipe = await taken(pipes);
    const writer = spawn('dd', [`if=${file}`, `of=${pipe.path}`, 'bs=100000'], { stdio: 'ignore' });
    once(writer, 'close').then(() => pipe.finish());
    expect(digest(await allOf(pipe, pauseMs))).toBe(digest(bytes));
    pipe.release();
  }
});

// All jobs on a disk that is full, in a namespace of its own: node full-disk.mjs <folder on a small disk> <eventlake.js>
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const [disk, bin] = process.argv.slice(2);
const dataDir = join(disk, 'data');
const filler = join(disk, 'filler');
const jobs = ['raw-landing', 'bronze-to-silver', 'silver-to-gold', 'fast-agg'];
const seen = [];

function start(...args) {
  const child = spawn(
    process.execPath,
    [bin, ...args, '--data-dir', dataDir, '--set', 'clickhouse.port=0', '--log-level', 'warn'],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  return {
    child,
    stderr: () => stderr,
    ended: once(child, 'close').then(([code, signal]) => ({ code, signal, stdout, stderr })),
  };
}

async function run(...args) {
  const { ended } = start(...args);
  return ended;
}

/** Takes all space but this much. */
function fill(leftBytes) {
  const { bavail, bsize } = statfsSync(disk);
  const file = openSync(filler, 'w');
  const chunk = Buffer.alloc(1024 * 1024, 1);
  try {
    for (let left = bavail * bsize - leftBytes; left > 0; left -= chunk.length) {
      writeSync(file, chunk, 0, Math.min(left, chunk.length));
    }
  } catch (error) {
    if (error.code !== 'ENOSPC') throw error;
  }
  closeSync(file);
}

const produce = (count) =>
  run('run', 'producer', '--rate', '0', '--count', String(count), '--malformed', '0.02');

// Everything is there once, so that each job gets as far as its own writing.
await produce(2000);
for (const job of jobs) seen.push({ job, phase: 'before', ...(await run('run', job, '--once')) });
for (const job of jobs) {
  // What a job reads must have landed, and be too much for what is left of the disk.
  await produce(20_000);
  for (const before of jobs.slice(0, jobs.indexOf(job))) {
    if (job !== 'fast-agg') await run('run', before, '--once');
  }
  fill(16 * 1024);
  seen.push({ job, phase: 'full', ...(await run('run', job, '--once')) });
  // One that is to go on waits until there is space, and goes on.
  const waiting = start('run', job);
  while (
    !/waits for better times/.test(waiting.stderr()) &&
    waiting.child.exitCode === null &&
    waiting.child.signalCode === null
  )
    await sleep(50);
  rmSync(filler);
  const freed = { job, phase: 'waited', exitCode: waiting.child.exitCode };
  if (waiting.child.exitCode === null) {
    await sleep(1500);
    waiting.child.kill('SIGTERM');
  }
  seen.push({ ...freed, ...(await waiting.ended) });
}
for (const job of jobs) seen.push({ job, phase: 'after', ...(await run('run', job, '--once')) });
const verified = await run('verify', '--deep', '--json');
process.stdout.write(JSON.stringify({ seen, verified }));

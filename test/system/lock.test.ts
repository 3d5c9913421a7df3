import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acquireLock, lockHolders } from '../../packages/eventlake/src/system/lock.js';

let dataDir: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'eventlake-lock-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(dataDir, { recursive: true, force: true });
});

const LOCK = new URL('../../packages/eventlake/dist/system/lock.js', import.meta.url).href;

/** A process that tries to take the lock, says `held` or the error's message, and stays. */
async function contender(name: string): Promise<{ child: ChildProcess; said: string }> {
  const program = `
    import { acquireLock } from ${JSON.stringify(LOCK)};
    try { await acquireLock(${JSON.stringify(dataDir)}, ${JSON.stringify(name)}); console.log('held'); }
    catch (error) { console.log(error.kind + ': ' + error.message); }
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [said] = (await once(child.stdout!, 'data')) as [Buffer];
  return { child, said: said.toString().trim() };
}

test('a second process is refused, and told who has it', async () => {
  const first = await contender('raw-landing');
  expect(first.said).toBe('held');
  await expect(acquireLock(dataDir, 'raw-landing')).rejects.toMatchObject({
    kind: 'busy',
    message: expect.stringContaining(`process ${first.child.pid}`),
  });
  await (await acquireLock(dataDir, 'fast-agg')).release();
});

test('of many that try at once exactly one may hold it', async () => {
  const all = await Promise.all(Array.from({ length: 6 }, () => contender('fast-agg')));
  const held = all.filter(({ said }) => said === 'held');
  expect(held.length).toBeLessThanOrEqual(1);
  // They may all have stepped back; whoever comes alone then gets it.
  if (held.length === 1)
    expect((await lockHolders(dataDir)).map(({ pid }) => pid)).toEqual([held[0]!.child.pid]);
  else await acquireLock(dataDir, 'fast-agg');
});

test('the lock of a killed process is taken over at once', async () => {
  const { child } = await contender('raw-landing');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = await acquireLock(dataDir, 'raw-landing');
  expect(await lockHolders(dataDir)).toMatchObject([{ name: 'raw-landing', pid: process.pid }]);
  await lock.release();
  expect(await lockHolders(dataDir)).toEqual([]);
  expect(await readdir(join(dataDir, 'locks', 'raw-landing'))).toEqual([]);
});

test('a later process with the same id holds nothing', async () => {
  await (await acquireLock(dataDir, 'x')).release();
  const claim = {
    name: 'x',
    pid: process.pid,
    host: hostname(),
    since: '2020-01-01',
    shared: false,
    start: 'earlier',
  };
  await writeFile(join(dataDir, 'locks', 'x', 'old.json'), JSON.stringify(claim));
  await acquireLock(dataDir, 'x');
});

test('a process on another host holds it as long as it gives signs of life', async () => {
  await (await acquireLock(dataDir, 'x')).release();
  const file = join(dataDir, 'locks', 'x', 'foreign.json');
  const claim = { name: 'x', pid: 1, host: 'elsewhere', since: '2020-01-01', shared: false, start: 's' };
  await writeFile(file, JSON.stringify(claim));
  await expect(acquireLock(dataDir, 'x')).rejects.toThrow('on elsewhere');
  const anHourAgo = new Date(Date.now() - 3_600_000);
  await utimes(file, anHourAgo, anHourAgo);
  await acquireLock(dataDir, 'x');
});

test('shared claims stand beside each other, but not beside an exclusive one', async () => {
  const first = await acquireLock(dataDir, 'producer', { shared: true });
  const second = await acquireLock(dataDir, 'producer', { shared: true });
  await expect(acquireLock(dataDir, 'producer')).rejects.toMatchObject({ kind: 'busy' });
  await first.release();
  await second.release();
  await acquireLock(dataDir, 'producer');
  await expect(acquireLock(dataDir, 'producer', { shared: true })).rejects.toMatchObject({ kind: 'busy' });
});

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createClient } from '@clickhouse/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { lockHolders } from '../../packages/eventlake/src/system/lock.js';
import { processStart } from '../../packages/eventlake/src/system/process-start.js';
import { run, start } from './eventlake.js';

vi.setConfig({ testTimeout: 180_000 });

let cwd: string;
const started: ChildProcess[] = [];
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'eventlake-dev-'));
});
afterEach(async () => {
  for (const { pid, exitCode } of started.splice(0)) if (exitCode === null) killGroup(pid!, 'SIGKILL');
  await rm(cwd, { recursive: true, force: true });
});

/** `eventlake dev` in a process group of its own, as a terminal would give it, and its endpoint. */
async function dev(...args: string[]): Promise<{ child: ChildProcess; url: string; said: string[] }> {
  const child = start(['dev', '--port', '0', ...args], { cwd, detached: true });
  started.push(child);
  const said: string[] = [];
  const lines = createInterface({ input: child.stderr! });
  const url = await new Promise<string>((resolve, reject) => {
    lines.on('line', (line) => {
      said.push(line);
      const address = /^ClickHouse +(http:\S+)/.exec(line)?.[1];
      if (address) resolve(address);
    });
    child.once('close', () => reject(new Error(said.join('\n'))));
  });
  return { child, url, said };
}

/** Ctrl-C in a terminal reaches every process of the group. */
function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It is gone.
  }
}

async function ctrlC(child: ChildProcess): Promise<number | null> {
  const closed = once(child, 'close') as Promise<[number | null]>;
  killGroup(child.pid!, 'SIGINT');
  return (await closed)[0];
}

const PROCESSES = [
  'dev',
  'serve',
  'producer',
  'raw-landing',
  'bronze-to-silver',
  'silver-to-gold',
  'fast-agg',
];
const holders = () => lockHolders(join(cwd, '.eventlake'));

async function allRun(processes = PROCESSES, dataDir = join(cwd, '.eventlake')): Promise<boolean> {
  const names = (await lockHolders(dataDir)).map(({ name }) => name);
  return processes.every((name) => names.includes(name));
}

interface Status {
  log: { appended: number };
  stages: { stage: string; rows: number; lag: number }[];
}
const status = async () => JSON.parse((await run(['status', '--json'], { cwd })).stdout) as Status;

async function until(isSo: () => Promise<boolean>, everyMs = 100): Promise<void> {
  while (!(await isSo())) await sleep(everyMs);
}

async function count(url: string, sql: string): Promise<number> {
  const client = createClient({ url });
  const rows = await client
    .query({ query: sql, format: 'JSONEachRow' })
    .then((result) => result.json<{ n: string }>());
  await client.close();
  return Number(rows[0]!.n);
}

test('events reach every stage, Ctrl-C ends it cleanly, and the next start goes on', async () => {
  const first = await dev();
  await until(async () => (await count(first.url, 'SELECT count() AS n FROM gold.daily_active_users')) > 0);
  await until(
    async () => (await count(first.url, 'SELECT sum(event_count) AS n FROM realtime.events_per_minute')) > 0,
  );
  expect(await ctrlC(first.child)).toBe(0);
  expect(first.said.at(-1)).toContain('Nothing is lost');
  expect(await holders()).toEqual([]);
  const before = await status();
  expect(before.stages.every(({ rows }) => rows > 0)).toBe(true);

  // Both looked before there was anything new, and would look again in a minute.
  const often = ['bronzeToSilver', 'silverToGold'].flatMap((job) => ['--set', `${job}.intervalMs=1000`]);
  const second = await dev(...often);
  // Each look is a process of its own.
  const stagesGrow = async () =>
    (await status()).stages.every(({ rows }, i) => rows > before.stages[i]!.rows);
  await until(stagesGrow, 1000);
  expect(await ctrlC(second.child)).toBe(0);
  for (const job of ['raw-landing', 'bronze-to-silver', 'silver-to-gold', 'fast-agg']) {
    expect((await run(['run', job, '--once'], { cwd })).code).toBe(0);
  }
  expect((await status()).stages.map(({ lag }) => lag)).toEqual([0, 0, 0, 0]);
  const ledger = await run(['verify', '--deep'], { cwd });
  expect(ledger.code, ledger.stdout + ledger.stderr).toBe(0);
});

test('kill -9 of the parent takes the children along, of a child brings it back', async () => {
  const { child, said } = await dev('--rate', '500');
  await until(() => allRun());
  const victim = (await holders()).find(({ name }) => name === 'raw-landing')!;
  if (process.platform === 'linux') {
    // It gives memory back early.
    expect(await readFile(`/proc/${victim.pid}/environ`, 'utf8')).toContain(
      'MALLOC_MMAP_THRESHOLD_=1048576\0',
    );
    expect(await readFile(`/proc/${victim.pid}/cmdline`, 'utf8')).toContain('--max-semi-space-size=2\0');
  }
  process.kill(victim.pid, 'SIGKILL');
  await until(async () =>
    (await holders()).some(({ name, pid }) => name === 'raw-landing' && pid !== victim.pid),
  );
  expect(said.some((line) => line.includes('raw-landing was killed (SIGKILL), starts again'))).toBe(true);
  await until(() => allRun());
  const pids = (await holders()).map(({ pid }) => pid);
  child.kill('SIGKILL');
  for (const pid of pids) await until(async () => (await processStart(pid)) === undefined);
});

test.each([
  ['npm', 'start', '--'],
  ['npx', 'eventlake', 'dev'],
])(
  'SIGTERM to `%s` alone, as a service manager may send it, stops everything cleanly',
  async (npm, ...args) => {
    const { NO_COLOR: _, ...env } = process.env;
    const child = spawn(npm, [...args, '--no-producer', '--port', '0', '--data-dir', cwd, '--json'], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      detached: true,
      stdio: 'ignore',
      env,
    });
    started.push(child);
    const processes = PROCESSES.filter((name) => name !== 'producer');
    await until(() => allRun(processes, cwd));
    const pids = (await lockHolders(cwd)).map(({ pid }) => pid);
    child.kill('SIGTERM');
    for (const pid of pids) await until(async () => (await processStart(pid)) === undefined);
    // Who was killed would have left its claim.
    expect(await lockHolders(cwd)).toEqual([]);
  },
);

test('a second one on the same folder is refused; a taken port is said at once', async () => {
  await dev('--no-producer');
  const second = await run(['dev', '--port', '0'], { cwd });
  expect(second.code).toBe(4);
  expect(second.stderr).toContain('dev is running already');

  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const taken = await run(['dev', '--port', String(port), '--data-dir', 'other'], { cwd });
  server.close();
  expect(taken.code).toBe(4);
  expect(taken.stderr).toContain(`port ${port} on 127.0.0.1 is taken`);
  // Nothing was started, or even made.
  expect(existsSync(join(cwd, 'other'))).toBe(false);
});

test('--json gives the children’s log lines as they are', async () => {
  const child = start(['dev', '--port', '0', '--json'], { cwd, detached: true });
  started.push(child);
  const names = new Set<string>();
  const everyLineIsRead = (async () => {
    for await (const line of createInterface({ input: child.stderr! })) {
      names.add((JSON.parse(line) as { name: string }).name);
    }
  })();
  await until(async () => PROCESSES.filter((name) => name !== 'dev').every((name) => names.has(name)));
  const closed = once(child, 'close') as Promise<[number | null]>;
  killGroup(child.pid!, 'SIGTERM');
  expect((await closed)[0]).toBe(0);
  await everyLineIsRead;
});

/**
 * Claims: `npm start` (built) to the first row in `realtime` under 5 s; with nothing arriving, the whole tree costs under
 * 3 % of a core.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { processTree, treeCpuMs, treeMemoryBytes } from './lib/machine.js';
import { mb, publish, quantile } from './lib/rounds.js';

const ROUNDS = Number(process.argv[2] ?? 5);
const IDLE_SECONDS = Number(process.argv[3] ?? 30);
const bin = fileURLToPath(new URL('../packages/eventlake/bin/eventlake.js', import.meta.url));

const rounds = [];
for (let round = 0; round < ROUNDS; round++) rounds.push(await measure());
const names = Object.keys(rounds[0]!) as (keyof (typeof rounds)[0])[];
publish(
  'idle',
  Object.fromEntries(
    names.map((name) => [
      name,
      quantile(
        rounds.map((r) => r[name]),
        0.5,
      ),
    ]),
  ),
  rounds,
);

async function measure() {
  const dataDir = mkdtempSync(join(tmpdir(), 'eventlake-idle-'));
  const port = await freePort();
  const args = ['--data-dir', dataDir, '--set', `clickhouse.port=${port}`];
  const begin = performance.now();
  let dev = spawn(process.execPath, [bin, 'dev', ...args], { stdio: 'ignore' });
  const client = createClient({ url: `http://127.0.0.1:${port}`, log: { level: ClickHouseLogLevel.OFF } });
  const firstRowMs = (await firstRow(client)) - begin;
  const stopMs = await stop(dev);

  // The same tree with a producer that sends nothing.
  dev = spawn(process.execPath, [bin, 'dev', '--no-producer', ...args], { stdio: 'ignore' });
  await sleep(20_000);
  const pid = dev.pid!;
  const cpuBefore = treeCpuMs(pid);
  await sleep(IDLE_SECONDS * 1000);
  const idleCorePercent = ((treeCpuMs(pid) - cpuBefore) / (IDLE_SECONDS * 1000)) * 100;
  const idleMemoryMb = mb(treeMemoryBytes(pid));
  const processes = processTree(pid).length;
  await stop(dev);
  await client.close();
  rmSync(dataDir, { recursive: true });
  return { firstRowMs, stopMs, idleCorePercent, idleMemoryMb, processes };
}

async function firstRow(client: ReturnType<typeof createClient>): Promise<number> {
  for (;;) {
    const count = await client
      .query({ query: 'SELECT count() AS n FROM realtime.events_per_minute', format: 'JSONEachRow' })
      .then((result) => result.json<{ n: string }>())
      .catch(() => []);
    if (Number(count[0]?.n ?? 0) > 0) return performance.now();
    await sleep(10);
  }
}

async function stop(child: ReturnType<typeof spawn>): Promise<number> {
  const begin = performance.now();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  await ended;
  return performance.now() - begin;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

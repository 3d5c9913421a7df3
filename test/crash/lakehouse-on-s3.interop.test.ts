import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openTable, type Store, s3Store } from '@eventlake/delta';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type S3Server, s3Credentials, startS3Server } from '../../packages/delta/test/support/s3-servers.js';
import { run, start } from '../cli/eventlake.js';
import {
  append,
  catchUp,
  ENV,
  expectGreen,
  newFolder,
  removeFolder,
  runJob,
  simulation,
  undisturbed,
} from './support/folder.js';
import { expectSame, tablesOf } from './support/tables.js';

let server: S3Server;
let store: Store;
let dataDir: string;
/** Credentials by the SDK's own chain. */
let env: Record<string, string>;
const folders: string[] = [];

beforeAll(async () => {
  server = await startS3Server('versitygw');
  const url = `${server.url}/${randomUUID()}/lake`;
  store = await s3Store(url, server.options);
  env = { ...server.env, EVENTLAKE_LAKEHOUSE: url };
  dataDir = await newFolder();
  folders.push(dataDir);
});
afterAll(async () => {
  await server.close();
  for (const folder of folders) await removeFolder(folder);
});

const eventlake = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await run([...args, '--data-dir', dataDir], { env: { ...ENV, ...env } });
  expect(code, `${args.join(' ')}: ${stderr}`).toBe(0);
  expect(stdout + stderr).not.toContain(s3Credentials.secretAccessKey);
  return stdout;
};

const CRASHES = [
  'raw-landing:after-prepare',
  'raw-landing:after-commit',
  'bronze-to-silver:after-plan',
  'bronze-to-silver:after-commit',
  'silver-to-gold:after-commit',
  'fast-agg:after-plan',
  'maintenance:before-compaction',
];

test('the whole pipeline with its tables on S3, killed in the middle, equals that on a folder', async () => {
  const events = simulation(23);
  await append(dataDir, events, 2000);
  await catchUp(dataDir, env);
  for (const crashAt of CRASHES) {
    await append(dataDir, events, 500);
    const job = crashAt.startsWith('maintenance') ? 'raw-landing' : crashAt.split(':')[0]!;
    // What the job needs from those before it.
    for (const before of ['raw-landing', 'bronze-to-silver', 'silver-to-gold'].slice(0, order(job))) {
      expect((await runJob(dataDir, before, undefined, env)).code).toBe(0);
    }
    const { signal, stderr } = await runJob(dataDir, job, crashAt, env);
    expect({ crashAt, signal, stderr: signal ? '' : stderr }).toEqual({
      crashAt,
      signal: 'SIGKILL',
      stderr: '',
    });
  }
  await catchUp(dataDir, env);
  await expectGreen(dataDir, env);
  expect(await readdir(dataDir)).not.toContain('lakehouse');
  const onFolder = await undisturbed(dataDir);
  folders.push(onFolder);
  expectSame(await tablesOf(dataDir, { store, env }), await tablesOf(onFolder));
}, 900_000);

const order = (job: string): number => ({ 'bronze-to-silver': 1, 'silver-to-gold': 2 })[job] ?? 0;

test('the commands for tables work there, and ClickHouse shows them', async () => {
  expect(await eventlake('table', 'history', 'bronze.user_events')).toContain('WRITE');
  await eventlake('table', 'optimize', 'bronze.user_events');
  expect(await eventlake('table', 'vacuum', 'bronze.user_events', '--dry-run')).toBeTruthy();
  expect(await eventlake('status')).toContain('bronze-to-silver');
  expect(await eventlake('doctor')).toContain('by one writer at a time');
  const silver = Number(
    await eventlake('query', 'SELECT count() FROM silver.user_events', '--format', 'TSV'),
  );
  expect(silver).toBeGreaterThan(4000);
  // Without any copy, everything is fetched again.
  await rm(join(dataDir, 'cache'), { recursive: true });
  await expectGreen(dataDir, env);
}, 300_000);

test('silver is made anew there, and what no version needs is deleted for good', async () => {
  await append(dataDir, simulation(29), 500);
  await catchUp(dataDir, { ...env, EVENTLAKE_BRONZE_TO_SILVER_MODE: 'overwrite' });
  await expectGreen(dataDir, env);
  const table = await openTable(store, 'silver/user_events');
  const dataFiles = async (): Promise<string[]> => {
    const paths: string[] = [];
    for await (const { path } of store.list('silver/user_events/part-')) paths.push(path);
    return paths;
  };
  const live = (await table.snapshot()).files().map(({ path }) => `silver/user_events/${path}`);
  expect((await dataFiles()).length).toBeGreaterThan(live.length);
  const options = ['--retention-hours', '0', '--below-safety-floor'];
  await eventlake('table', 'vacuum', 'silver.user_events', ...options);
  expect(await dataFiles()).toEqual(live.sort());
  await rm(join(dataDir, 'cache'), { recursive: true });
  await expectGreen(dataDir, env);
}, 300_000);

test('the whole tree of processes runs on it, and ends cleanly', async () => {
  const folder = await newFolder();
  folders.push(folder);
  const there = { ...env, EVENTLAKE_LAKEHOUSE: `${server.url}/${randomUUID()}/dev` };
  const child = start(['dev', '--port', '0', '--data-dir', folder], {
    env: { ...ENV, ...there },
    detached: true,
    stdio: 'ignore',
  });
  const ended = once(child, 'close') as Promise<[number | null]>;
  try {
    const stages = async (): Promise<{ rows: number }[]> => {
      const { stdout } = await run(['status', '--json', '--data-dir', folder], { env: { ...ENV, ...there } });
      return (JSON.parse(stdout) as { stages: { rows: number }[] }).stages;
    };
    while (!(await stages().catch(() => [{ rows: 0 }])).every(({ rows }) => rows > 0)) await sleep(200);
  } finally {
    process.kill(-child.pid!, 'SIGINT');
  }
  expect((await ended)[0]).toBe(0);
  await catchUp(folder, there);
  await expectGreen(folder, there);
}, 300_000);

test('what was set aside is redriven from there', async () => {
  const listed = await eventlake('quarantine', 'list', '--stage', 'bronze', '--json');
  expect(JSON.parse(listed)).toBeTruthy();
  await eventlake('quarantine', 'redrive', '--stage', 'bronze', '--yes');
  await catchUp(dataDir, env);
  await expectGreen(dataDir, env);
}, 300_000);

test('reset leaves the tables there alone, unless it is told to take them', async () => {
  const listed = async (): Promise<number> => {
    let count = 0;
    for await (const _ of store.list('')) count++;
    return count;
  };
  const before = await listed();
  await eventlake('reset', '--yes');
  expect(await listed()).toBe(before);
  await eventlake('reset', '--yes', '--lakehouse');
  expect(await listed()).toBe(0);
}, 300_000);

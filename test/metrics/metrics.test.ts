import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run, start } from '../cli/eventlake.js';
import { type Family, parseExposition } from './exposition.js';

let cwd: string;
let url: string;
let jobUrl: string;
let page: string;
const children: ChildProcess[] = [];
const logs = new Map<string, string>();
const STAGES = ['raw-landing', 'bronze-to-silver', 'silver-to-gold'];

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'eventlake-metrics-'));
  const producer = [
    'run',
    'producer',
    '--seed',
    '7',
    '--rate',
    '0',
    '--count',
    '2000',
    '--malformed',
    '0.05',
  ];
  await run([...producer, '--start', 'now'], { cwd });
  url = await startAndWait(['serve', '--port', '0']);
  jobUrl = await startAndWait(['run', 'fast-agg', '--set', 'metrics.port=0']);
  const often = ['--set', 'bronzeToSilver.intervalMs=500', '--set', 'silverToGold.intervalMs=500'];
  for (const job of STAGES) begin(['run', job, ...often]);
  begin(['run', 'producer', '--rate', '50']);
  await run(['verify'], { cwd });
  await fetch(`${url}/?query=SELECT+1`);
  // Jobs report every few seconds.
  const isComplete = () =>
    [...STAGES, 'fast-agg'].every((stage) =>
      page.includes(`eventlake_batch_duration_seconds_count{stage="${stage}"}`),
    ) && /eventlake_produced_records_total [1-9]/.test(page);
  do {
    await sleep(200);
    page = await (await fetch(`${url}/metrics`)).text();
  } while (!isComplete());
  // Seven processes start.
}, 180_000);

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(cwd, { recursive: true, force: true });
});

/** Starts a command, its log kept. */
function begin(args: string[]): ChildProcess {
  const child = start(args, { cwd });
  children.push(child);
  let log = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    log += text;
    logs.set(args.slice(0, 2).join(' '), log);
  });
  return child;
}

/** The address that a command names in its log. */
async function startAndWait(args: string[]): Promise<string> {
  const child = begin(args);
  for await (const line of createInterface({ input: child.stderr! })) {
    const entry = JSON.parse(line) as { url?: string; metrics?: string };
    if (entry.metrics ?? entry.url) return (entry.metrics ?? entry.url)!;
  }
  throw new Error(`${args.join(' ')} ended`);
}

const sum = (family: Family | undefined, labels: Record<string, string> = {}) =>
  (family?.samples ?? [])
    .filter((sample) => Object.entries(labels).every(([name, value]) => sample.labels[name] === value))
    .reduce((total, { value }) => total + value, 0);

test('the page is what Prometheus reads: each family once, with its help and type, units in the names', () => {
  const families = parseExposition(page);
  for (const [name, { type, help }] of families) {
    expect(help, name).not.toBe('');
    if (type === 'counter') expect(name).toMatch(/_total$/);
    else expect(name).not.toMatch(/_total$/);
  }
});

test('the guide names what there is, and nothing else', () => {
  const guide = readFileSync(
    fileURLToPath(new URL('../../docs/guide/observability.md', import.meta.url)),
    'utf8',
  );
  const documented = guide
    .split('\n')
    .filter((line) => /^\| `(eventlake|process|nodejs)_/.test(line))
    .flatMap((line) => [...line.split('|')[1]!.matchAll(/`(\w+)`/g)].map(([, name]) => name!));
  const there = [...parseExposition(page).keys()];
  expect(documented.sort()).toEqual(there.sort());
});

test('the figures are those of the log and the tables', () => {
  const families = parseExposition(page);
  const of = (name: string, labels?: Record<string, string>) => sum(families.get(name), labels);
  const appended = of('eventlake_log_records_total');
  expect(appended).toBeGreaterThanOrEqual(2000);
  expect(of('eventlake_partition_lag_records', { stage: 'raw-landing' })).toBe(
    of('eventlake_stage_lag_records', { stage: 'raw-landing' }),
  );
  expect(of('eventlake_quarantined_rows_total', { stage: 'raw-landing' })).toBeGreaterThan(0);
  expect(of('eventlake_stage_rows_total', { stage: 'silver-to-gold' })).toBeGreaterThan(1000);
  expect(of('eventlake_watermark_timestamp_seconds')).toBeGreaterThan(1.7e9);
  expect(of('eventlake_verify_passed')).toBe(1);
  expect(of('eventlake_verify_checks', { status: 'mismatch' })).toBe(0);
  expect(of('eventlake_table_rows', { table: 'gold.fact_events' })).toBe(
    of('eventlake_stage_rows_total', { stage: 'silver-to-gold' }),
  );
  expect(of('process_resident_memory_bytes', { process: 'fast-agg' })).toBeGreaterThan(10_000_000);
});

test('a job answers by itself where it has a port: its own figures, and whether it is ready', async () => {
  const families = parseExposition(await (await fetch(`${jobUrl}/metrics`)).text());
  const stages = families.get('eventlake_stage_lag_records')!.samples.map(({ labels }) => labels.stage);
  expect(stages).toEqual(['fast-agg']);
  expect(families.get('eventlake_batches_total')!.samples[0]!.value).toBeGreaterThan(0);
  expect(families.has('eventlake_query_duration_seconds')).toBe(false);
  for (const path of ['/health', '/ready']) expect((await fetch(jobUrl + path)).status).toBe(200);
  expect((await fetch(`${jobUrl}/else`)).status).toBe(404);
  expect((await fetch(`${jobUrl}/metrics`, { method: 'POST' })).status).toBe(405);
});

test('the endpoint has probes', async () => {
  for (const path of ['/health', '/ready', '/ping', '/replicas_status'])
    expect(await (await fetch(url + path)).text()).toBe('Ok.\n');
});

test('neither a secret nor a path nor a query is among the figures', () => {
  const secret = readFileSync(join(cwd, '.eventlake/clickhouse/writer.secret'), 'utf8').trim();
  expect(page).not.toContain(secret);
  expect(page).not.toContain(cwd);
  expect(page).not.toContain('SELECT');
});

test('every process logs whole JSON lines, each with time, level and name, and no secret', () => {
  const secret = readFileSync(join(cwd, '.eventlake/clickhouse/writer.secret'), 'utf8').trim();
  expect([...logs.keys()].sort()).toEqual(
    [
      'run bronze-to-silver',
      'run fast-agg',
      'run producer',
      'run raw-landing',
      'run silver-to-gold',
      'serve --port',
    ].sort(),
  );
  for (const [command, log] of logs) {
    for (const line of log.split('\n').slice(0, -1)) {
      const entry = JSON.parse(line) as Record<string, unknown>;
      expect(entry, command).toMatchObject({
        time: expect.stringMatching(/^20.*Z$/),
        level: expect.any(Number),
      });
      expect(command).toContain(String(entry.name));
      expect(entry.msg).toEqual(expect.any(String));
    }
    expect(log).not.toContain(secret);
  }
});

test('where readers have a password, the figures want it', async () => {
  const other = await mkdtemp(join(tmpdir(), 'eventlake-metrics-'));
  const child = start(['serve', '--port', '0'], {
    cwd: other,
    env: { EVENTLAKE_CLICKHOUSE_PASSWORD: 'geheim' },
  });
  children.push(child);
  for await (const line of createInterface({ input: child.stderr! })) {
    const { url } = JSON.parse(line) as { url?: string };
    if (url === undefined) continue;
    expect((await fetch(`${url}/metrics`)).status).toBe(401);
    const Authorization = `Basic ${Buffer.from('reader:geheim').toString('base64')}`;
    expect((await fetch(`${url}/metrics`, { headers: { Authorization } })).status).toBe(200);
    for (const path of ['/health', '/ready']) expect((await fetch(url + path)).status).toBe(200);
    break;
  }
  child.kill('SIGKILL');
  await rm(other, { recursive: true, force: true });
});

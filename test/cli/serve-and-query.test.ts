import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { finished, run, start } from './eventlake.js';

let cwd: string;
let server: ChildProcess;
let url: string;

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'eventlake-serve-'));
  server = start(['serve', '--port', '0'], { cwd });
  url = await address(server);
});

afterAll(async () => {
  server.kill('SIGKILL');
  await rm(cwd, { recursive: true, force: true });
});

/** What a server of this command says when it is ready, in its log. */
async function address(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stderr! })) {
    const entry = JSON.parse(line) as { url?: string; error?: { message: string } };
    if (entry.error) throw new Error(entry.error.message);
    if (entry.url) return entry.url;
  }
  throw new Error('it ended');
}

describe('query, by the endpoint that runs', () => {
  test('shows a table', async () => {
    const { code, stdout } = await run(['query', "SELECT 1 AS n, 'x' AS s, NULL AS nothing"], { cwd });
    expect(code).toBe(0);
    expect(stdout.split('\n').map((line) => line.trim())).toEqual([
      'n  s  nothing',
      '─  ─  ───────',
      '1  x        –',
      '',
    ]);
  });

  test('gives JSON, or any format, as ClickHouse writes it', async () => {
    const json = await run(['query', '--json', 'SELECT 1 AS n'], { cwd });
    expect(JSON.parse(json.stdout)).toMatchObject({ data: [{ n: 1 }], rows: 1 });
    const csv = await run(['query', '--format', 'CSVWithNames', 'SELECT 1 AS n'], { cwd });
    expect(csv.stdout).toBe('"n"\n1\n');
    const clause = await run(['query', 'SELECT 1 AS n FORMAT CSVWithNames'], { cwd });
    expect(clause).toMatchObject({ code: 0, stdout: '"n"\n1\n' });
  });

  test('reads the statement from stdin', async () => {
    expect((await run(['query', '--format', 'TSV'], { cwd, input: 'SELECT 41 + 1' })).stdout).toBe('42\n');
    expect((await run(['query', '-', '--format', 'TSV'], { cwd, input: 'SELECT 7' })).stdout).toBe('7\n');
  });

  test('a big result comes whole as a format, and bounded as a table', async () => {
    const all = await run(['query', '--format', 'TSV', 'SELECT number FROM numbers(300000)'], { cwd });
    expect(all.stdout.split('\n').length).toBe(300_001);
    const table = await run(['query', 'SELECT number FROM numbers(300000)'], { cwd });
    expect(table.stdout.trim().split('\n').length).toBe(1002);
    expect(table.stderr).toContain('Only the first 1000 rows');
  });

  test('a wrong statement is an error with ClickHouse’s own words', async () => {
    const { code, stderr } = await run(['query', 'SELECT nothing_like_it'], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain('UNKNOWN_IDENTIFIER');
    expect((await run(['query', '--json', 'SELECT x'], { cwd })).stderr).toMatch(/^\{"error":/);
  });

  test('whoever reads only the beginning gets no error', async () => {
    const child = start(['query', '--format', 'TSV', 'SELECT number FROM numbers(10000000)'], { cwd });
    await once(child.stdout!, 'data');
    child.stdout!.destroy();
    const { code, stderr } = await finished(child);
    expect([code, stderr]).toEqual([0, '']);
  });
});

test('the endpoint has the tables before the first event, for @clickhouse/client, too', async () => {
  const client = createClient({ url });
  const result = await client.query({ query: 'SHOW TABLES FROM realtime', format: 'JSONEachRow' });
  expect((await result.json<{ name: string }>()).map(({ name }) => name)).toContain('events_per_minute');
  await client.close();
});

test('a second one on the same folder is refused, and told who has it', async () => {
  const { code, stderr } = await run(['serve', '--port', '0'], { cwd });
  expect(code).toBe(4);
  expect(stderr).toContain(`process ${server.pid}`);
});

test('Ctrl-C ends it cleanly, and the folder is free', async () => {
  const end = finished(server);
  server.kill('SIGINT');
  expect(await end).toMatchObject({ code: 0, signal: null });
  // None runs now: the query opens an embedded one for itself.
  const { code, stdout } = await run(['query', '--format', 'TSV', 'SHOW TABLES FROM gold'], { cwd });
  expect(code).toBe(0);
  expect(stdout).toContain('daily_active_users');
});

test('a query on a folder that is not there makes none', async () => {
  await mkdir(join(cwd, 'empty'));
  const { code, stderr } = await run(['query', 'SELECT 1'], { cwd: join(cwd, 'empty') });
  expect(code).toBe(3);
  expect(stderr).toContain('There is no data folder');
});

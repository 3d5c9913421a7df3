import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from './eventlake.js';

let cwd: string;
const LINES = Array.from({ length: 500 }, (_, i) => `{"event_id":"${i}","source":"web"}`);

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'eventlake-ingest-'));
  await writeFile(join(cwd, 'events.ndjson'), `${LINES.join('\n')}\n`);
  await writeFile(join(cwd, 'other.ndjson.gz'), gzipSync(Buffer.from('{"a":1}\nnot JSON\n')));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

const ingest = async (args: string[], input?: string) => {
  const { code, stdout, stderr } = await run(['ingest', ...args, '--json'], {
    cwd,
    ...(input ? { input } : {}),
  });
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as { records: number; skippedAsAlreadyIngested: number };
};

test('files go in once, however often they are given', async () => {
  expect(await ingest(['events.ndjson', 'other.ndjson.gz'])).toMatchObject({
    files: ['events.ndjson', 'other.ndjson.gz'],
    records: 502,
    skippedAsAlreadyIngested: 0,
  });
  expect(await ingest(['events.ndjson', 'other.ndjson.gz'])).toMatchObject({
    records: 0,
    skippedAsAlreadyIngested: 502,
  });
  const { stdout } = await run(['status', '--json'], { cwd });
  expect(JSON.parse(stdout)).toMatchObject({ log: { appended: 502 } });
});

test('stdin goes in each time, and once under a name', async () => {
  expect((await ingest(['-'], '{"b":1}\n')).records).toBe(1);
  expect((await ingest(['-'], '{"b":1}\n')).records).toBe(1);
  expect((await ingest(['-', '--source-id', 'x'], '{"c":1}\n')).records).toBe(1);
  expect((await ingest(['-', '--source-id', 'x'], '{"c":1}\n')).records).toBe(0);
});

test('a file of another kind is told where it is ingested', async () => {
  const csv = await run(['ingest', '-'], { cwd, input: 'event_id,source\n1,web\n' });
  expect(csv.stdout).toContain('None of them begins like a JSON object');
  const mixed = await run(['ingest', '-', '--json'], { cwd, input: ' {"d":1}\n[\n' });
  expect(JSON.parse(mixed.stdout)).toMatchObject({ records: 2, notObjects: 1 });
  const good = await run(['ingest', '-'], { cwd, input: '{"d":2}\n' });
  expect(good.stdout).not.toContain('quarantine');
});

test('a file that is not there is said before anything is ingested', async () => {
  const { code, stderr } = await run(['ingest', 'events.ndjson', 'none.ndjson'], { cwd });
  expect(code).toBe(3);
  expect(stderr).toContain('none.ndjson');
});

test('what was ingested lands in bronze, or in quarantine', async () => {
  await run(['run', 'raw-landing', '--once'], { cwd });
  const { stdout } = await run(['status', '--json'], { cwd });
  const [landing] = (JSON.parse(stdout) as { stages: { rows: number; quarantined: number; lag: number }[] })
    .stages;
  expect(landing).toMatchObject({ rows: 506, quarantined: 4, lag: 0 });
});

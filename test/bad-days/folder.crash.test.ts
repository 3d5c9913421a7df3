import { once } from 'node:events';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { finished, run, start } from '../cli/eventlake.js';
import { eventlake, expectGreen, expectNoStack, JOBS, newFolder, runJobs } from './support/command.js';

const produce = (dataDir: string, count: number) =>
  eventlake(dataDir, 'run', 'producer', '--rate', '0', '--count', String(count), '--malformed', '0.02');

describe('a data file that is damaged', () => {
  test.each([
    ['cut short', (path: string) => truncateSync(path, 100)],
    ['gone', (path: string) => rmSync(path)],
    ['overwritten', (path: string) => writeFileSync(path, Buffer.alloc(5000, 7))],
  ])(
    '%s: whoever reads it names it, nothing is committed, and the restored file mends everything',
    async (_, damage) => {
      const dataDir = await newFolder();
      expect((await produce(dataDir, 500)).code).toBe(0);
      await runJobs(dataDir, ['raw-landing']);
      const folder = join(dataDir, 'lakehouse', 'bronze', 'user_events');
      const file = join(folder, readdirSync(folder).find((name) => name.endsWith('.parquet'))!);
      const copy = readFileSync(file);
      damage(file);
      const refused = await eventlake(dataDir, 'run', 'bronze-to-silver', '--once');
      expect({ code: refused.code, stderr: refused.stderr }).toEqual({
        code: 8,
        stderr: expect.stringMatching(/(missing|damaged)[\s\S]*\.parquet/),
      });
      expect((await eventlake(dataDir, 'verify', '--deep')).code).not.toBe(0);
      writeFileSync(file, copy);
      await runJobs(dataDir);
      await expectGreen(dataDir);
    },
  );

  test('a commit of a table that is no JSON: its file is named', async () => {
    const dataDir = await newFolder();
    expect((await produce(dataDir, 100)).code).toBe(0);
    await runJobs(dataDir, ['raw-landing']);
    const file = join(dataDir, 'lakehouse/bronze/user_events/_delta_log/00000000000000000001.json');
    const copy = readFileSync(file);
    writeFileSync(file, '{"add":');
    const refused = await eventlake(dataDir, 'run', 'bronze-to-silver', '--once');
    expect({ code: refused.code, stderr: refused.stderr }).toEqual({
      code: 8,
      stderr: expect.stringContaining('00000000000000000001.json'),
    });
    writeFileSync(file, copy);
    await runJobs(dataDir);
    await expectGreen(dataDir);
  });
});

test('a second instance of a job is refused and told who works; the first goes on', async () => {
  const dataDir = await newFolder();
  const first = start(['run', 'raw-landing', '--data-dir', dataDir]);
  const ended = finished(first);
  await once(first.stderr!, 'data');
  let second = await eventlake(dataDir, 'run', 'raw-landing', '--once');
  // It says that it runs just before it holds the lock.
  while (second.code === 0) second = await eventlake(dataDir, 'run', 'raw-landing', '--once');
  expect(second).toMatchObject({ code: 4, stderr: expect.stringContaining(`process ${first.pid}`) });
  expect((await produce(dataDir, 200)).code).toBe(0);
  first.kill('SIGTERM');
  expect(await ended).toMatchObject({ code: 0 });
  await runJobs(dataDir);
  await expectGreen(dataDir);
});

// Root may write everywhere: then the command is nobody's.
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

test
  .skipIf(process.platform === 'win32')
  .each([
    ...JOBS.map((job) => ['run', job, '--once']),
    ['run', 'producer', '--count', '1'],
    ['ingest', 'package.json'],
    ['serve'],
    ['dev', '--no-live'],
  ])('a data folder that cannot be written: `%s %s` says so and ends', async (...args) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'eventlake-locked-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  chmodSync(dataDir, 0o555);
  const refused = await run([...args, '--data-dir', dataDir, '--set', 'clickhouse.port=0'], nobody);
  expectNoStack(refused);
  expect(refused.code, refused.stderr).toBeGreaterThan(0);
  expect(refused.stderr).toMatch(/permission|cannot be (written|made)|may not/i);
});

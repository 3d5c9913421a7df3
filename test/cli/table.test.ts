import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from './eventlake.js';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'eventlake-table-'));
  for (let batch = 0; batch < 2; batch++) {
    await run(['run', 'producer', '--count', '100', '--rate', '0'], { cwd });
    expect((await run(['run', 'raw-landing', '--once'], { cwd })).code).toBe(0);
  }
});
const bronze = async () => {
  const { stdout } = await run(['status', '--json'], { cwd });
  const { tables } = JSON.parse(stdout) as { tables: { table: string; rows: number; files: number }[] };
  return tables.find(({ table }) => table === 'bronze.user_events')!;
};

afterAll(() => rm(cwd, { recursive: true, force: true }));

test('history tells each version, newest first', async () => {
  const { stdout } = await run(['table', 'history', 'bronze.user_events', '--json'], { cwd });
  const history = JSON.parse(stdout) as { version: number; operation: string }[];
  expect(history.map(({ version }) => version)).toEqual([2, 1, 0]);
  expect((await run(['table', 'history', 'bronze.user_events'], { cwd })).stdout).toContain(
    history[0]!.operation,
  );
});

test('optimize puts small files together, and again finds nothing to do', async () => {
  const optimize = async () =>
    JSON.parse((await run(['table', 'optimize', 'bronze.user_events', '--json'], { cwd })).stdout) as object;
  const rows = async () => (await bronze()).rows;
  const before = await rows();
  expect(await optimize()).toMatchObject({ filesRemoved: 2, filesAdded: 1 });
  expect(await optimize()).toMatchObject({ filesRemoved: 0, filesAdded: 0 });
  expect(await rows()).toBe(before);
  expect((await bronze()).files).toBe(1);
});

test('a dry vacuum deletes nothing, and a wet one nothing that is still needed', async () => {
  const dry = await run(['table', 'vacuum', 'bronze.user_events', '--dry-run'], { cwd });
  expect(dry.stdout).toContain('Would delete 0 files');
  const wet = await run(['table', 'vacuum', 'bronze.user_events', '--json'], { cwd });
  expect(JSON.parse(wet.stdout)).toMatchObject({ files: [], dryRun: false });
  const { stdout } = await run(['status', '--json'], { cwd });
  expect(JSON.parse(stdout).stages[0].lag).toBe(0);
});

test('less than the safety floor is refused, unless told', async () => {
  const { code, stderr } = await run(['table', 'vacuum', 'bronze.user_events', '--retention-hours', '0'], {
    cwd,
  });
  expect(code).toBe(2);
  expect(stderr).toContain('hint');
});

test('a table that is not known, or not there yet, is said so, with those that there are', async () => {
  const unknown = await run(['table', 'history', 'bronze.nothing'], { cwd });
  expect(unknown.code).toBe(3);
  expect(unknown.stderr).toContain('silver.user_events');
  const notYet = await run(['table', 'history', 'gold.kpi_dau'], { cwd });
  expect(notYet.code).toBe(3);
  expect(notYet.stderr).toContain('has not been made yet');
});

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { localStore, openTable } from '../../packages/delta/src/index.js';
import { run } from './eventlake.js';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'eventlake-verify-'));
  await run(['run', 'producer', '--count', '2000', '--rate', '0'], { cwd });
  for (const job of ['raw-landing', 'bronze-to-silver', 'silver-to-gold', 'fast-agg']) {
    expect((await run(['run', job, '--once'], { cwd })).code).toBe(0);
  }
}, 180_000);
afterAll(() => rm(cwd, { recursive: true, force: true }));

test('a whole ledger is green, exit code 0, as a table and as JSON', async () => {
  const { code, stdout } = await run(['verify'], { cwd });
  expect(code, stdout).toBe(0);
  expect(stdout).toContain('Everything is accounted for');
  const json = await run(['verify', '--deep', '--json'], { cwd });
  expect(json.code, json.stderr).toBe(0);
  expect(JSON.parse(json.stdout)).toMatchObject({ ok: true, deep: true });
  // Both results are kept, for dashboards and alerts, and so is fast-agg's report of every stage.
  const kept = await run(
    ['query', "SELECT uniq(checked_at), countIf(status = 'mismatch') FROM realtime.pipeline_checks"],
    { cwd },
  );
  expect(kept.stdout).toMatch(/\b2\b.*\b0\b/);
  const reported = await run(['query', 'SELECT count() AS stages FROM realtime.pipeline_health'], { cwd });
  expect(reported.stdout).toMatch(/\b5\b/);
}, 120_000);

test('a missing file of rows turns it red, exit code 1', async () => {
  const store = localStore(join(cwd, '.eventlake', 'lakehouse'));
  const table = await openTable(store, 'silver/user_events_duplicates');
  const snapshot = await table.snapshot();
  await table.commit({ operation: 'DELETE', remove: snapshot.files(), readVersion: snapshot.version });
  expect(await readdir(join(cwd, '.eventlake'))).toContain('lakehouse');
  const { code, stdout } = await run(['verify'], { cwd });
  expect(code).toBe(1);
  expect(stdout).toContain('do not hold');
}, 120_000);

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { createTable, localStore, openTable } from '../src/index.js';
import { NUMBERS } from './support/tables.js';
import { tempFolder } from './support/temp.js';

/** Set it to 60000 to let them run for a minute. */
const RUN_MS = Number(process.env.DELTA_PROCESSES_MS ?? 4000);
const WRITER = fileURLToPath(new URL('./support/writer.mjs', import.meta.url));
const ROLES = ['append', 'append', 'append', 'compact', 'delete', 'merge', 'read', 'read'];

interface Report {
  role: string;
  versions: number[];
  lost: number;
  looks: number;
  wrong: unknown[];
}

it('8 processes append, merge, delete, compact and read: every commit is accounted for, every snapshot adds up', async () => {
  const root = await tempFolder();
  const store = localStore(root);
  const properties = { 'delta.checkpointInterval': '20', 'delta.logRetentionDuration': 'interval 1 second' };
  const table = await createTable(store, 'a/t', { schema: NUMBERS, properties });

  const run = promisify(execFile);
  const reports = await Promise.all(
    ROLES.map(async (role, i): Promise<Report> => {
      const args = [WRITER, role, root, 'a/t', `${role}-${i}`, String(RUN_MS)];
      return JSON.parse((await run(process.execPath, args)).stdout);
    }),
  );

  const committed = reports.flatMap(({ versions }) => versions).sort((a, b) => a - b);
  const { version, recordCount, txns } = await table.snapshot();
  expect(committed).toEqual(Array.from({ length: version }, (_, i) => i + 1));
  for (const report of reports) expect(report.wrong).toEqual([]);
  expect(reports.filter(({ role }) => role === 'read').every(({ looks }) => looks > 0)).toBe(true);

  const appends = reports.filter(({ role }) => role === 'append').flatMap(({ versions }) => versions).length;
  const deleted = txns.get('deleted')?.version ?? 0;
  expect(recordCount).toBe(10 * (appends - deleted));
  const loaded = await (await openTable(store, 'a/t')).snapshot();
  expect([loaded.version, loaded.recordCount]).toEqual([version, recordCount]);
}, 180_000);

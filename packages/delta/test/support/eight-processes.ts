import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { createTable, openTable, type Store } from '../../src/index.js';
import { NUMBERS } from './tables.js';

const WRITER = fileURLToPath(new URL('./writer.mjs', import.meta.url));
const ROLES = ['append', 'append', 'append', 'compact', 'delete', 'merge', 'read', 'read'];

interface Report {
  role: string;
  versions: number[];
  lost: number;
  looks: number;
  wrong: unknown[];
}

/**
 * They append, merge, delete, compact and read one table at once: every commit has to be accounted for, and every
 * snapshot to add up.
 * @param root a folder, or an address that the processes find their way to by their environment
 */
export async function eightProcesses(
  store: Store,
  root: string,
  runMs: number,
  { env = {}, retention = 'interval 1 second' }: { env?: Record<string, string>; retention?: string } = {},
): Promise<void> {
  const properties = { 'delta.checkpointInterval': '20', 'delta.logRetentionDuration': retention };
  const table = await createTable(store, 'a/t', { schema: NUMBERS, properties });

  const run = promisify(execFile);
  const reports = await Promise.all(
    ROLES.map(async (role, i): Promise<Report> => {
      const args = [WRITER, role, root, 'a/t', `${role}-${i}`, String(runMs)];
      return JSON.parse((await run(process.execPath, args, { env: { ...process.env, ...env } })).stdout);
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
}

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { createTable, localStore, openTable, struct } from '../src/index.js';
import { tempFolder } from './support/temp.js';

const RUN_MS = 60_000;
const WRITER = fileURLToPath(new URL('./support/row-writer.mjs', import.meta.url));
const ROLES = ['append', 'append', 'append', 'merge', 'delete', 'compact', 'read', 'read'];

interface Report {
  role: string;
  versions: number[];
  lost: number;
  looks: number;
  wrong: unknown[];
}

it('8 processes append, merge, delete, compact and read rows for a minute: every commit is accounted for, every snapshot whole', async () => {
  const root = await tempFolder();
  const store = localStore(root);
  const table = await createTable(store, 'a/t', {
    schema: struct({ w: 'string', batch: 'long', i: 'integer', v: 'long' }),
    properties: {
      'delta.enableDeletionVectors': 'true',
      'delta.checkpointInterval': '20',
      'delta.logRetentionDuration': 'interval 20 seconds',
    },
  });

  const reports = await Promise.all(
    ROLES.map(async (role, i): Promise<Report> => {
      const args = [WRITER, role, root, 'a/t', `${role}-${i}`, String(RUN_MS)];
      return JSON.parse((await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 26 })).stdout);
    }),
  );
  for (const { role, versions, lost, looks } of reports) {
    process.stdout.write(`${role}: ${versions.length} commits, lost ${lost}, ${looks} looks\n`);
  }
  for (const report of reports) expect(report.wrong).toEqual([]);
  for (const { looks } of reports) expect(looks).toBeGreaterThan(0);

  const committed = reports.flatMap(({ versions }) => versions).sort((a, b) => a - b);
  const { version, recordCount, txns } = await table.snapshot();
  expect(committed).toEqual(Array.from({ length: version }, (_, i) => i + 1));
  const gone = [...txns.keys()].filter((appId) => appId.startsWith('gone/')).length;
  const appended = reports.filter(({ role }) => role === 'append').flatMap(({ versions }) => versions).length;
  expect(recordCount).toBe(10 * (appended - gone));
  const again = await openTable(store, 'a/t');
  expect(await again.scan().count()).toBe(recordCount);
}, 300_000);

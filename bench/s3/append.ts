/** Appends of 1,000 rows, one after the other, to a table in a folder or on S3: from the rows to the commit. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTable, localStore, required, s3Store, struct } from '../../packages/delta/dist/index.js';
import { median } from '../lib/rounds.js';

const [address = '', endpoint, appends = '40'] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'eventlake-s3-bench-'));
const store =
  address === '' ? localStore(folder) : await s3Store(`${address}/${crypto.randomUUID()}`, { endpoint });
const table = await createTable(store, 't', {
  schema: struct({ id: required('long'), user: 'string', page: 'string' }),
});
const tookMs: number[] = [];
const before = process.cpuUsage();
for (let i = 0; i < Number(appends); i++) {
  const rows = Array.from({ length: 1000 }, (_, n) => ({
    id: BigInt(i * 1000 + n),
    user: `user ${n % 77}`,
    page: `/page/${n % 13}`,
  }));
  const startedMs = performance.now();
  await table.append(rows);
  tookMs.push(performance.now() - startedMs);
}
const { user, system } = process.cpuUsage(before);
rmSync(folder, { recursive: true });
// The first ones compile.
const figures = { appendP50Ms: median(tookMs.slice(5)), cpuMs: (user + system) / 1000 };
process.stdout.write(`${JSON.stringify(figures)}\n`);

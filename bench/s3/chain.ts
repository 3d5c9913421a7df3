/** The chain of jobs over a log that is filled, with the tables in the data folder or on S3. */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rewind } from '../prepare/rewind.js';
import { runStages } from '../prepare/stages.js';

const [log = '', address = '', endpoint = ''] = process.argv.slice(2);
await rewind(log);
const dataDir = mkdtempSync(join(tmpdir(), 'eventlake-s3-bench-'));
symlinkSync(log, join(dataDir, 'log'));
const env: Record<string, string> =
  address === ''
    ? {}
    : { EVENTLAKE_LAKEHOUSE: `${address}/${crypto.randomUUID()}`, EVENTLAKE_S3_ENDPOINT: endpoint };
const stages = ['raw-landing', 'bronze-to-silver', 'silver-to-gold'] as const;
const costs = Object.values(await runStages(dataDir, stages, { env }));
rmSync(dataDir, { recursive: true });
const figures = {
  totalMs: costs.reduce((sum, { wallMs }) => sum + wallMs, 0),
  cpuMs: costs.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
};
process.stdout.write(`${JSON.stringify(figures)}\n`);

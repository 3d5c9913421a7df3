/** The chain of jobs over a log that is filled: every table committed durably, the KPIs published to ClickHouse. */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rewind } from '../prepare/rewind.js';
import { runStages } from '../prepare/stages.js';

await rewind(process.argv[2]!);
const dataDir = mkdtempSync(join(tmpdir(), 'eventlake-chain-'));
symlinkSync(process.argv[2]!, join(dataDir, 'log'));
const {
  'raw-landing': bronze,
  'bronze-to-silver': silver,
  'silver-to-gold': gold,
} = await runStages(dataDir, ['raw-landing', 'bronze-to-silver', 'silver-to-gold']);
rmSync(dataDir, { recursive: true });
const figures = {
  totalMs: bronze!.wallMs + silver!.wallMs + gold!.wallMs,
  bronzeMs: bronze!.wallMs,
  silverMs: silver!.wallMs,
  goldMs: gold!.wallMs,
  cpuMs: bronze!.cpuMs + silver!.cpuMs + gold!.cpuMs,
};
process.stdout.write(`${JSON.stringify(figures)}\n`);

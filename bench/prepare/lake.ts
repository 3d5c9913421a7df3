/**
 * A data folder where the log's events have come through all tables, and then 50,000 more have landed in bronze, 1 % of them
 * from the 30 days before. The log is left out: what comes next reads tables only.
 *
 * `jiti bench/prepare/lake.ts <log folder> <folder>`
 */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import userEvents from '@eventlake/user-events';
import { openEmbeddedLog } from '../../packages/eventlake/dist/log/embedded-log.js';
import { rewind } from './rewind.js';
import { runStages } from './stages.js';

const [logDir, dataDir] = [process.argv[2]!, process.argv[3]!];
const DAY_MS = 86_400_000;
const ADDED = 50_000;
const OLD = ADDED / 100;

const log = join(dataDir, 'log');
cpSync(logDir, log, { recursive: true });
await rewind(log);
await runStages(dataDir, ['raw-landing', 'bronze-to-silver', 'silver-to-gold']);
await appendMore();
await runStages(dataDir, ['raw-landing']);
rmSync(log, { recursive: true });
rmSync(join(dataDir, 'locks'), { recursive: true, force: true });

async function appendMore(): Promise<void> {
  const opened = await openEmbeddedLog({ dir: log });
  const endMs = Date.now();
  const dials = { duplicates: 0.01, malformed: 0.001, late: 0, outOfOrder: 0.05 };
  const shop = (seed: number, startMs: number) =>
    userEvents.simulate!({ seed, startMs, users: 50_000, ...dials });
  const { topic } = userEvents.event;
  const today = endMs - DAY_MS;
  const old = today - 30 * DAY_MS;
  await opened.append(topic, shop(2, old).next(OLD, today));
  await opened.append(topic, shop(3, today).next(ADDED - OLD, endMs));
  await opened.close();
}

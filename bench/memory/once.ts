/** The endpoint, and beside it each job until it has caught up: `jiti bench/memory/once.ts <data folder>` */
import { eventlake, run, stop, waitForEndpoint } from './eventlake.js';

const dataDir = process.argv[2]!;
const serve = eventlake(dataDir, 'serve');
await waitForEndpoint(dataDir);
for (const job of ['raw-landing', 'bronze-to-silver', 'silver-to-gold', 'fast-agg']) {
  await run(dataDir, 'run', job, '--once');
}
await stop(serve);

/** All stages and ClickHouse in one process, one stage after the other: `jiti bench/memory/chain.ts <data folder>` */
import { runStages } from '../prepare/stages.js';

await runStages(process.argv[2]!, ['raw-landing', 'bronze-to-silver', 'silver-to-gold', 'fast-agg']);

import type { JobName } from '../jobs/job.js';

/** What the help says of each job; what they do is in `pipeline.ts`, which is loaded when one runs. */
export const JOBS: readonly { name: JobName; description: string; refreshes?: string; readsLog?: true }[] = [
  {
    name: 'raw-landing',
    description: 'log → bronze: every record as it came, or in quarantine with the reason',
    readsLog: true,
  },
  {
    name: 'bronze-to-silver',
    description: 'bronze → silver: rejects what is not valid, deduplicates, casts',
    refreshes: 'make silver anew from all of bronze',
  },
  {
    name: 'silver-to-gold',
    description: 'silver → gold: facts, dimensions, KPIs, and the KPIs in ClickHouse',
    refreshes: 'make gold anew from all of silver',
  },
  {
    name: 'fast-agg',
    description: 'log → live: counts per minute of event time, in ClickHouse',
    refreshes: 'make the live tables anew from bronze and the log',
    readsLog: true,
  },
];

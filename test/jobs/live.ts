import pipeline from '@eventlake/user-events';
import { fastAgg } from '../../packages/eventlake/src/jobs/fast-agg.js';
import { runJob } from '../../packages/eventlake/src/jobs/loop.js';
import type { Serving } from '../../packages/eventlake/src/serving/serving.js';
import type { Lake } from './lake.js';

export type LiveTables = Record<string, unknown[]>;

export const countLive = (lake: Lake, commitBytesMax = 64 * 1024 * 1024) => {
  lake.context.settings.fastAgg.commitBytesMax = commitBytesMax;
  return runJob(fastAgg(lake.context), lake.context, { intervalMs: 1, once: true });
};

/** The live tables as a dashboard sees them. */
export async function liveOf(serving: Serving): Promise<LiveTables> {
  const tables: LiveTables = {};
  for (const { name, by, count } of [...pipeline.live.tables, pipeline.live.late]) {
    const groups = ['window_start', 'window_end', ...by].join(', ');
    tables[name] = await serving.query(
      `SELECT ${groups}, sum(${count}) AS ${count} FROM ${name} GROUP BY ${groups} ORDER BY ALL`,
    );
  }
  return tables;
}

/** A lake of its own begins with no live tables, and with no tokens remembered. */
export async function dropLive(serving: Serving): Promise<void> {
  for (const { name } of [...pipeline.live.tables, pipeline.live.late]) {
    await serving.query(`DROP TABLE IF EXISTS ${name} SYNC`);
  }
}

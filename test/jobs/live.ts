import pipeline from '@eventlake/user-events';
import { fastAgg } from '../../packages/eventlake/src/jobs/fast-agg.js';
import type { JobContext } from '../../packages/eventlake/src/jobs/job.js';
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

/** Another instance on the lake; just before its first statement or insert with this text, something happens. */
export function withMeanwhile(lake: Lake, text: string, happens: () => Promise<unknown>): JobContext {
  let waits = true;
  const meanwhile = async (statement: string) => {
    if (!waits || !statement.includes(text)) return;
    waits = false;
    await happens();
  };
  return {
    ...lake.context,
    async serving() {
      const serving = await lake.context.serving();
      return new Proxy(serving, {
        get(target, name: keyof Serving) {
          const value = target[name];
          if (typeof value !== 'function') return value;
          return async (...given: unknown[]) => {
            await meanwhile(`${name} ${given.filter((arg) => typeof arg === 'string').join(' ')}`);
            return (value as (...all: unknown[]) => unknown).apply(target, given);
          };
        },
      });
    },
  };
}

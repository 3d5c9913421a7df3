import pipeline from '@eventlake/user-events';
import type { Simulation } from 'eventlake';
import { openSparkEngine } from '../../../packages/eventlake/src/engine/spark/engine.js';
import { deltaTables } from '../../../packages/eventlake/src/schema/tables.js';
import { type Lake, NOON_MS } from '../../jobs/lake.js';

const HOUR_MS = 3_600_000;

/**
 * Records of the simulated shop with all bad days' dials on, the same for the same seed, and in the same partitions: a record
 * without a key may go to any.
 */
export function badDays(seed: number): Simulation {
  const simulation = pipeline.simulate!({
    seed,
    startMs: NOON_MS - HOUR_MS,
    users: 50,
    duplicates: 0.05,
    malformed: 0.02,
    late: 0.03,
    outOfOrder: 0.1,
  });
  return {
    next(count, untilMs) {
      const batch = simulation.next(count, untilMs);
      return { ...batch, keys: batch.keys.map((key) => key ?? 'none') };
    },
  };
}

/** The same lake, its jobs computed by Spark. The caller closes the engine. */
export async function onSpark(lake: Lake, url: string): Promise<Lake> {
  const { store, signal } = lake.context;
  const engine = await openSparkEngine({
    store,
    url,
    connectTimeoutMs: 30_000,
    statementTimeoutMs: 300_000,
    signal,
  });
  return { ...lake, context: { ...lake.context, engine } };
}

/** The types of all tables' columns, as they are written down, and the `txn` positions of all jobs. */
export async function statesOf({ context }: Lake, layer = ''): Promise<Record<string, unknown>> {
  const { openTable } = await import('@eventlake/delta');
  const states: Record<string, unknown> = {};
  for (const { name } of deltaTables(context.pipeline)) {
    if (!name.startsWith(layer)) continue;
    const snapshot = await (await openTable(context.store, name.replaceAll('.', '/'))).snapshot();
    states[name] = {
      types: snapshot.schema.fields.map((field) => [field.name, field.type]),
      positions: ['raw-landing', 'bronze-to-silver', 'silver-to-gold'].map((job) =>
        snapshot.txn(`${job}/${context.pipeline.event.topic}`),
      ),
    };
  }
  return states;
}

import type { JobContext } from '../../packages/eventlake/src/jobs/job.js';
import { deltaTables } from '../../packages/eventlake/src/schema/tables.js';

const CLOCKS = ['ingestion_timestamp', 'processed_timestamp', 'updated_at'];

/** A table's rows, sorted, without the columns that say when a row was made. */
export async function rowsOf(context: JobContext, table: string): Promise<string[]> {
  const definition = deltaTables(context.pipeline).find(({ name }) => name === table)!;
  const columns = definition.columns.map(({ name }) => name).filter((name) => !CLOCKS.includes(name));
  const session = await context.engine.open();
  try {
    await session.readTable('rows_of', table);
    const rows = await session.query(`SELECT ${columns.join(', ')} FROM rows_of`);
    return rows.map((row) => JSON.stringify(row)).sort();
  } finally {
    await session.close();
  }
}

/** All tables of a layer: `silver`, `gold`. */
export async function layerOf(context: JobContext, layer: string): Promise<Record<string, string[]>> {
  const tables: Record<string, string[]> = {};
  for (const { name } of deltaTables(context.pipeline)) {
    if (name.startsWith(`${layer}.`)) tables[name] = await rowsOf(context, name);
  }
  return tables;
}

/** Sets, and rollups as they add up: increments may be folded or not. */
export async function rollupsOf(context: JobContext): Promise<Record<string, string[]>> {
  const tables: Record<string, string[]> = {};
  for (const { name, grows, fold } of context.pipeline.gold) {
    if (grows === 'set') tables[name] = await rowsOf(context, name);
    if (grows !== 'rollup') continue;
    const session = await context.engine.open();
    try {
      await session.readTable('increments', name);
      tables[name] = (await session.query(fold!)).map((row) => JSON.stringify(row)).sort();
    } finally {
      await session.close();
    }
  }
  return tables;
}

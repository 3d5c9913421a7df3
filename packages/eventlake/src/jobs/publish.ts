import type { GoldTable } from '../schema/definition.js';
import type { Row, Serving } from '../serving/serving.js';
import type { JobContext } from './job.js';
import { mirroredRows, mirrorOf, rowsApart } from './mirrors.js';

/**
 * Makes ClickHouse's mirrors equal to the gold tables as they are committed now, each at once; all of them at the same time,
 * since most of it is waiting for the disk.
 * @param updatedAt ISO 8601: when the batch that they come from was planned.
 * @param options.again The batch may have been published: a mirror that has its rows stays as it is.
 */
export async function publishGold(
  context: JobContext,
  updatedAt: string,
  options: { again: boolean },
): Promise<void> {
  const mirrored = context.pipeline.gold.filter(({ serve }) => serve !== undefined);
  if (mirrored.length === 0) return;
  const serving = await context.serving();
  // Waited for to the last one: what has been begun must not go on behind the caller's back.
  const ended = await Promise.allSettled(
    mirrored.map((table) => publishMirror(context, serving, table, updatedAt, options)),
  );
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
}

async function publishMirror(
  { engine, crashPoint }: JobContext,
  serving: Serving,
  table: GoldTable,
  updatedAt: string,
  { again }: { again: boolean },
): Promise<void> {
  const { name, columns, serve } = table;
  const session = await engine.open();
  try {
    await session.readTable('published', name);
    if (again && (await isPublished())) return;
    const rows = await session.query<Row>(
      `SELECT ${columns.map((column) => column.name).join(', ')} FROM published`,
    );
    await serving.publish(
      serve!.name,
      rows.map((row) => ({ ...row, updated_at: updatedAt })),
    );
    crashPoint(`silver-to-gold:after-${serve!.name}-publish`);
  } finally {
    await session.close();
  }

  async function isPublished(): Promise<boolean> {
    const { rows, updatedMs } = await mirrorOf(serving, table);
    if (updatedMs.size !== 1 || !updatedMs.has(Date.parse(updatedAt))) return false;
    return rowsApart(rows, await mirroredRows(session, 'published', table), table) === 0;
  }
}

import type { Row } from '../serving/serving.js';
import type { JobContext } from './job.js';

/**
 * Makes ClickHouse's mirrors equal to the gold tables as they are committed now, each at once.
 * @param updatedAt ISO 8601: when the batch that they come from was planned.
 */
export async function publishGold(
  { pipeline, engine, serving, crashPoint }: JobContext,
  updatedAt: string,
): Promise<void> {
  const mirrored = pipeline.gold.filter(({ serve }) => serve !== undefined);
  if (mirrored.length === 0) return;
  const clickhouse = await serving();
  for (const { name, columns, serve } of mirrored) {
    const session = await engine.open();
    try {
      await session.readTable('published', name);
      const rows = await session.query<Row>(
        `SELECT ${columns.map((column) => column.name).join(', ')} FROM published`,
      );
      await clickhouse.publish(
        serve!.name,
        rows.map((row) => ({ ...row, updated_at: updatedAt })),
      );
      crashPoint(`silver-to-gold:after-${serve!.name}-publish`);
    } finally {
      await session.close();
    }
  }
}

import type { EngineSession } from '../engine/engine.js';
import type { GoldTable } from '../schema/definition.js';
import type { Serving } from '../serving/serving.js';

type MirrorRow = Record<string, unknown>;

export interface Mirror {
  rows: MirrorRow[];
  /** The clocks of the batches that the rows were published from: one, unless somebody else wrote them. */
  updatedMs: ReadonlySet<number>;
}

/** What ClickHouse shows of a gold table. */
export async function mirrorOf(serving: Serving, table: GoldTable): Promise<Mirror> {
  const columns = selectOf(table, 'toUnixTimestamp64Micro');
  const rows = await serving.query<MirrorRow>(
    `SELECT ${columns}, toUnixTimestamp64Milli(updated_at) AS updated_ms FROM ${table.serve!.name}`,
  );
  return { rows, updatedMs: new Set(rows.map(({ updated_ms }) => Number(updated_ms))) };
}

/** The rows of a relation with the gold table's columns, in the same form. */
export function mirroredRows(
  session: EngineSession,
  relation: string,
  table: GoldTable,
): Promise<MirrorRow[]> {
  return session.query<MirrorRow>(`SELECT ${selectOf(table, 'unix_micros')} FROM ${relation}`);
}

/** How many rows are on one side only, repeats counted. */
export function rowsApart(
  left: readonly MirrorRow[],
  right: readonly MirrorRow[],
  { columns }: GoldTable,
): number {
  const counts = new Map<string, number>();
  const add = (row: MirrorRow, by: number) => {
    const key = JSON.stringify(columns.map(({ name }) => row[name]));
    counts.set(key, (counts.get(key) ?? 0) + by);
  };
  for (const row of left) add(row, 1);
  for (const row of right) add(row, -1);
  return [...counts.values()].reduce((sum, count) => sum + Math.abs(count), 0);
}

/** Each side writes a timestamp in its own way; microseconds are the same. */
function selectOf({ columns }: GoldTable, micros: string): string {
  return columns
    .map(({ name, type }) => (type === 'timestamp' ? `${micros}(${name}) AS ${name}` : name))
    .join(', ');
}

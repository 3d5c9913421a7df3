import type { TableChange } from '../schema/changes.js';
import type { ServingTable } from '../schema/definition.js';
import { created, type FoundTable, servingChanges } from './changes.js';
import { databaseOf } from './ddl.js';
import type { Serving } from './serving.js';

type Found = ReadonlyMap<string, FoundTable>;

/** Those of the tables that ClickHouse's catalog has, by name. */
export async function foundTables(serving: Serving, tables: readonly ServingTable[]): Promise<Found> {
  const databases = [...new Set(tables.map(({ name }) => databaseOf(name)))];
  const names = [...new Set(tables.map(({ name }) => name.slice(databaseOf(name).length + 1)))];
  const params = { databases, names };
  const within = (column: string) =>
    `database IN {databases:Array(String)} AND ${column} IN {names:Array(String)}`;
  const rows = await serving.query<{ table: string; engine: string; sorting_key: string }>(
    `SELECT concat(database, '.', name) AS table, engine, sorting_key FROM system.tables WHERE ${within('name')}`,
    params,
  );
  const columns = await serving.query<{ of: string; name: string; type: string }>(
    `SELECT concat(database, '.', table) AS of, name, type FROM system.columns WHERE ${within('table')} ORDER BY position`,
    params,
  );
  return new Map(
    rows.map(({ table, ...found }) => [
      table,
      { ...found, columns: columns.filter(({ of }) => of === table) },
    ]),
  );
}

export function changesOf(table: ServingTable, found: Found): TableChange[] {
  const there = found.get(table.name);
  return there ? servingChanges(table, there) : [created(table)];
}

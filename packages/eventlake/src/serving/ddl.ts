import type { ServingTable } from '../schema/definition.js';
import { quoteIdentifier, quoteTable } from './endpoint/sql/quote.js';

/** Where publications are filled before they are swapped in; readers cannot see it. */
export const STAGING = 'staging';

/**
 * `fsync_after_insert` is what makes an insert survive a power loss; the window is how many insert tokens the table
 * remembers, so that a repeated one changes nothing. A replicated table has a window of its own.
 */
const DURABLE = {
  fsync_after_insert: 1,
  fsync_part_directory: 1,
  non_replicated_deduplication_window: 10_000,
};

export function createDatabase(name: string): string {
  return `CREATE DATABASE IF NOT EXISTS ${quoteIdentifier(name)}`;
}

export function createTable(table: ServingTable): string {
  const columns = table.columns.map((column) => `${quoteIdentifier(column.name)} ${column.type}`);
  const settings = Object.entries({ ...DURABLE, ...table.settings });
  return [
    `CREATE TABLE IF NOT EXISTS ${quoteTable(table.name)} (${columns.join(', ')})`,
    `ENGINE = ${table.engine}`,
    `ORDER BY (${table.orderBy.map(quoteIdentifier).join(', ')})`,
    ...(table.ttl === undefined ? [] : [`TTL ${table.ttl}`]),
    `SETTINGS ${settings.map(([name, value]) => `${name} = ${value}`).join(', ')}`,
  ].join('\n');
}

export function addColumn(table: string, column: { name: string; type: string }): string {
  return `ALTER TABLE ${quoteTable(table)} ADD COLUMN IF NOT EXISTS ${quoteIdentifier(column.name)} ${column.type}`;
}

export function databaseOf(table: string): string {
  return table.slice(0, table.indexOf('.'));
}

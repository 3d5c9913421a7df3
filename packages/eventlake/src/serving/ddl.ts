import type { ServingTable } from '../schema/definition.js';
import { quoteIdentifier, quoteTable } from './endpoint/sql/quote.js';

/** Where publications are filled before they are swapped in; readers cannot see it. */
export const STAGING = 'staging';

/** As many insert tokens as a table remembers. */
const DEDUPLICATION_WINDOW = 10_000;

export function createDatabase(name: string): string {
  return `CREATE DATABASE IF NOT EXISTS ${quoteIdentifier(name)}`;
}

/**
 * `fsync_after_insert` is what makes an insert survive a power loss; the deduplication window is what makes a repeated
 * token harmless. A replicated table has its own window.
 */
export function createTable(table: ServingTable, name = table.name): string {
  const columns = table.columns.map((column) => `${quoteIdentifier(column.name)} ${column.type}`);
  const settings = ['fsync_after_insert = 1', 'fsync_part_directory = 1'];
  if (!/^\s*Replicated/i.test(table.engine)) {
    settings.push(`non_replicated_deduplication_window = ${DEDUPLICATION_WINDOW}`);
  }
  return [
    `CREATE TABLE IF NOT EXISTS ${quoteTable(name)} (${columns.join(', ')})`,
    `ENGINE = ${table.engine}`,
    `ORDER BY (${table.orderBy.map(quoteIdentifier).join(', ')})`,
    `SETTINGS ${settings.join(', ')}`,
  ].join('\n');
}

export function addColumn(table: string, column: { name: string; type: string }): string {
  return `ALTER TABLE ${quoteTable(table)} ADD COLUMN IF NOT EXISTS ${quoteIdentifier(column.name)} ${column.type}`;
}

export function databaseOf(table: string): string {
  return table.slice(0, table.indexOf('.'));
}

import type { ServingTable } from '../schema/definition.js';
import { quoteIdentifier, quoteTable } from './endpoint/sql/quote.js';

/** Where publications are filled before they are swapped in; readers cannot see it. */
export const STAGING = 'staging';

/**
 * `fsync_after_insert` is what makes an insert survive a power loss; the window is how many insert tokens the table
 * remembers, so that a repeated one changes nothing.
 */
const DURABLE = { fsync_after_insert: 1, fsync_part_directory: 1 };
const TOKENS = { non_replicated_deduplication_window: 10_000 };
/**
 * A replicated table keeps its tokens in Keeper, which is slower the more there are. Their age counts from the table's
 * newest token, not from now (ReplicatedMergeTreeCleanupThread::clearOldBlocks): silence makes none of them forgotten.
 */
const REPLICATED_TOKENS = {
  replicated_deduplication_window: 10_000,
  replicated_deduplication_window_seconds: 604_800,
};

/** @param cluster Where given, on all of its servers, and the table replicated where the server's defaults say. */
export function createDatabase(name: string, cluster?: string): string {
  return `CREATE DATABASE IF NOT EXISTS ${quoteIdentifier(name)}${onCluster(cluster)}`;
}

export function createTable(table: ServingTable, cluster?: string): string {
  const columns = table.columns.map((column) => `${quoteIdentifier(column.name)} ${column.type}`);
  const { non_replicated_deduplication_window: _, ...settings } = {
    ...DURABLE,
    ...TOKENS,
    ...table.settings,
  };
  const all = Object.entries({ ...settings, ...(cluster === undefined ? TOKENS : REPLICATED_TOKENS) });
  return [
    `CREATE TABLE IF NOT EXISTS ${quoteTable(table.name)}${onCluster(cluster)} (${columns.join(', ')})`,
    `ENGINE = ${cluster === undefined ? '' : 'Replicated'}${table.engine}`,
    `ORDER BY (${table.orderBy.map(quoteIdentifier).join(', ')})`,
    ...(table.ttl === undefined ? [] : [`TTL ${table.ttl}`]),
    `SETTINGS ${all.map(([name, value]) => `${name} = ${value}`).join(', ')}`,
  ].join('\n');
}

export function addColumn(table: string, column: { name: string; type: string }, cluster?: string): string {
  const definition = `${quoteIdentifier(column.name)} ${column.type}`;
  return `ALTER TABLE ${quoteTable(table)}${onCluster(cluster)} ADD COLUMN IF NOT EXISTS ${definition}`;
}

export function modifyColumn(
  table: string,
  column: { name: string; type: string },
  cluster?: string,
): string {
  const definition = `${quoteIdentifier(column.name)} ${column.type}`;
  return `ALTER TABLE ${quoteTable(table)}${onCluster(cluster)} MODIFY COLUMN ${definition}`;
}

export function dropColumn(table: string, column: string, cluster?: string): string {
  return `ALTER TABLE ${quoteTable(table)}${onCluster(cluster)} DROP COLUMN IF EXISTS ${quoteIdentifier(column)}`;
}

export function databaseOf(table: string): string {
  return table.slice(0, table.indexOf('.'));
}

function onCluster(cluster: string | undefined): string {
  return cluster === undefined ? '' : ` ON CLUSTER ${quoteIdentifier(cluster)}`;
}

import type { GoldTable } from '../schema/definition.js';
import type { GoldBatch, GoldWrite } from './gold-tables.js';

/**
 * Names the rollup as it is with this batch, under the last part of its name.
 *
 * A replay finds the rollups of its own batch committed and the others not. What the table has decides, not what was
 * planned: with this batch's `txn` it holds the increments, and adding them again would count them twice. The version
 * is pinned, so that the answer and the rows are of one moment.
 */
export async function prepareRollup(batch: GoldBatch, table: GoldTable): Promise<GoldWrite | undefined> {
  const { engine, session, input, id } = batch;
  const relation = relationOf(table);
  const columns = columnsOf(table);
  const { txnVersion = 0, version } = await engine.tableState(table.name, id.appId);
  if (input.mode === 'increment' && txnVersion >= id.version) {
    await session.readTable(relation, table.name, { version });
    return undefined;
  }
  const fresh = `${relation}_fresh`;
  await session.define(fresh, inTableOrder(table, table.sql), { materialize: true });
  const added = `SELECT ${columns} FROM ${fresh}`;
  if (input.mode === 'refresh') {
    await session.define(relation, added);
    return { table, mode: 'overwrite', write: await session.prepare(table.name, added) };
  }
  const before = `${relation}_before`;
  await session.readTable(before, table.name, { version });
  const sum = `SELECT ${columns} FROM ${before} UNION ALL ${added}`;
  if (!input.fold.includes(table.name) || table.fold === undefined) {
    await session.define(relation, sum);
    return { table, mode: 'append', write: await session.prepare(table.name, added) };
  }
  await session.define('increments', sum);
  await session.define(relation, inTableOrder(table, table.fold), { materialize: true });
  const folded = `SELECT ${columns} FROM ${relation}`;
  return { table, mode: 'overwrite', write: await session.prepare(table.name, folded) };
}

/**
 * Names what this batch adds to the set, for the rollups that count it: nothing, where the set has the batch already, since
 * they were committed before it. The rows that are there are read through, and none of them is remembered.
 */
export async function prepareSet(batch: GoldBatch, table: GoldTable): Promise<GoldWrite | undefined> {
  const { engine, session, input, id } = batch;
  const relation = relationOf(table);
  const added = `new_${relation}`;
  const rows = `SELECT DISTINCT ${columnsOf(table)} FROM (${table.sql}) AS ${relation}_rows`;
  const write = async (mode: GoldWrite['mode']): Promise<GoldWrite> => {
    const sql = `SELECT ${columnsOf(table)} FROM ${added}`;
    return { table, mode, write: await session.prepare(table.name, sql) };
  };
  if (input.mode === 'refresh') {
    await session.define(added, rows, { materialize: true });
    return write('overwrite');
  }
  const { txnVersion = 0, version } = await engine.tableState(table.name, id.appId);
  if (txnVersion !== id.version - 1) {
    // It has the batch already; or it is behind, stays so, and gold is made anew by the next batch.
    await session.define(added, `SELECT * FROM (${rows}) AS added_before WHERE FALSE`);
    return undefined;
  }
  const before = `${relation}_before`;
  await session.readTable(before, table.name, { version });
  const isSame = table.columns.map(({ name }) => `earlier.${name} = added.${name}`).join(' AND ');
  const isThere = `EXISTS (SELECT 1 FROM ${before} AS earlier WHERE ${isSame})`;
  await session.define(added, `SELECT * FROM (${rows}) AS added WHERE NOT ${isThere}`, { materialize: true });
  return write('append');
}

/** The name of a table's rows in queries: `page_counts` of `rollup.page_counts`. */
export function relationOf(table: GoldTable): string {
  return table.name.split('.').at(-1)!;
}

export function inTableOrder(table: GoldTable, sql: string): string {
  return `SELECT ${columnsOf(table)} FROM (${sql}) AS ${table.name.replace('.', '_')}`;
}

function columnsOf(table: GoldTable): string {
  return table.columns.map(({ name }) => name).join(', ');
}

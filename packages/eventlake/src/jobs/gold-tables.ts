import type { BatchId, Engine, EngineSession, PreparedWrite, WriteMode } from '../engine/engine.js';
import type { GoldTable } from '../schema/definition.js';

/** What batch N of silver-to-gold computes: silver's rows with `fromLogBatch < log_batch <= toLogBatch`. */
export interface GoldInput {
  fromLogBatch: number;
  toLogBatch: number;
  /** increment: these rows are new; refresh: they are all rows that gold shall have. */
  mode: 'increment' | 'refresh';
  /** Silver was last written anew by this batch of its own: when it changes, increments no longer tell the truth. */
  silverEpoch: number;
  /** For people: the rows are the same in every later version. */
  silverVersion: number;
  /** Rollups that this batch folds: it replaces them by the sum of all increments, its own included. */
  fold: string[];
  /** What each rollup was when it was last folded. */
  folded: Record<string, { rows: number; files: number }>;
}

export interface GoldWrite {
  table: GoldTable;
  write: PreparedWrite;
  mode: WriteMode;
}

/** Increments are folded when there are more of them than of what they add up to, or when they are many files. */
const FOLD_ROWS_MIN = 10_000;
export const FOLD_FILES_MAX = 16;

/** Rollups, what is computed from them, and what is appended; the last one is the main table. */
export function commitOrder(gold: readonly GoldTable[]): GoldTable[] {
  const order: GoldTable['grows'][] = ['rollup', 'replace', 'append'];
  return order.flatMap((grows) => gold.filter((table) => table.grows === grows));
}

/** Which rollups the batch after `last` folds. Called while no batch is unfinished. */
export async function rollupsOf(
  engine: Engine,
  gold: readonly GoldTable[],
  last: GoldInput | undefined,
  foldFilesMax: number,
): Promise<Pick<GoldInput, 'fold' | 'folded'>> {
  const fold: string[] = [];
  const folded: GoldInput['folded'] = {};
  for (const { name, grows } of gold) {
    if (grows !== 'rollup') continue;
    const { recordCount: rows, fileCount: files } = await engine.tableState(name);
    // What one batch added to an empty rollup has each key once, too.
    const wasEmpty = last?.folded[name]?.rows === 0;
    const wasFolded = wasEmpty || last?.mode === 'refresh' || last?.fold.includes(name);
    const base = wasFolded ? { rows, files } : (last?.folded[name] ?? { rows: 0, files: 0 });
    folded[name] = base;
    const tooMany = rows - base.rows > Math.max(base.rows, FOLD_ROWS_MIN);
    if (tooMany || files - base.files > foldFilesMax) fold.push(name);
  }
  return { fold, folded };
}

export interface GoldBatch {
  engine: Engine;
  /** Has the relation `events`. */
  session: EngineSession;
  /** In commit order. */
  tables: readonly GoldTable[];
  id: BatchId;
  input: GoldInput;
  signal: AbortSignal;
}

/** Computes everything before the first commit. */
export async function prepareGold(batch: GoldBatch): Promise<GoldWrite[]> {
  const writes: GoldWrite[] = [];
  for (const table of batch.tables) {
    batch.signal.throwIfAborted();
    writes.push(await (table.grows === 'rollup' ? prepareRollup(batch, table) : prepareTable(batch, table)));
  }
  return writes;
}

async function prepareTable({ session, input }: GoldBatch, table: GoldTable): Promise<GoldWrite> {
  const sql = inTableOrder(table, table.sql);
  if (table.grows === 'append') {
    const mode = input.mode === 'refresh' ? 'overwrite' : 'append';
    return { table, mode, write: await session.prepare(table.name, sql) };
  }
  // Those that come after it may be computed from it.
  const relation = table.name.split('.').at(-1)!;
  await session.define(relation, sql, { materialize: true });
  return { table, mode: 'overwrite', write: await session.prepare(table.name, `SELECT * FROM ${relation}`) };
}

/**
 * Names the rollup as it is with this batch, under the last part of its name.
 *
 * A replay finds the rollups of its own batch committed and the others not. What the table has decides, not what was
 * planned: with this batch's `txn` it holds the increments, and adding them again would count them twice. The version
 * is pinned, so that the answer and the rows are of one moment.
 */
async function prepareRollup(batch: GoldBatch, table: GoldTable): Promise<GoldWrite> {
  const { engine, session, input, id } = batch;
  const relation = table.name.split('.').at(-1)!;
  const columns = table.columns.map(({ name }) => name).join(', ');
  const fresh = `${relation}_fresh`;
  await session.define(fresh, inTableOrder(table, table.sql), { materialize: true });
  if (input.mode === 'refresh') {
    await session.define(relation, `SELECT ${columns} FROM ${fresh}`);
    return {
      table,
      mode: 'overwrite',
      write: await session.prepare(table.name, `SELECT ${columns} FROM ${fresh}`),
    };
  }
  const state = await engine.tableState(table.name, id.appId);
  const version = { version: state.version };
  if ((state.txnVersion ?? 0) >= id.version) {
    await session.readTable(relation, table.name, version);
    return {
      table,
      mode: 'append',
      write: await session.prepare(table.name, `SELECT ${columns} FROM ${fresh}`),
    };
  }
  const before = `${relation}_before`;
  await session.readTable(before, table.name, version);
  const sum = `SELECT ${columns} FROM ${before} UNION ALL SELECT ${columns} FROM ${fresh}`;
  if (!input.fold.includes(table.name) || table.fold === undefined) {
    await session.define(relation, sum);
    return {
      table,
      mode: 'append',
      write: await session.prepare(table.name, `SELECT ${columns} FROM ${fresh}`),
    };
  }
  await session.define('increments', sum);
  await session.define(relation, inTableOrder(table, table.fold), { materialize: true });
  return {
    table,
    mode: 'overwrite',
    write: await session.prepare(table.name, `SELECT ${columns} FROM ${relation}`),
  };
}

function inTableOrder(table: GoldTable, sql: string): string {
  return `SELECT ${table.columns.map(({ name }) => name).join(', ')} FROM (${sql}) AS ${table.name.replace('.', '_')}`;
}

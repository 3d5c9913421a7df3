import type { BatchId, Engine, EngineSession, PreparedWrite, WriteMode } from '../engine/engine.js';
import type { GoldTable } from '../schema/definition.js';
import { inTableOrder, prepareRollup, prepareSet, relationOf } from './gold-increments.js';

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

/** Each table after those that it is computed from; the last one is the main table. */
export function computeOrder(gold: readonly GoldTable[]): GoldTable[] {
  return inOrder(gold, ['set', 'rollup', 'replace', 'append']);
}

/**
 * Rollups before the sets that they count: a replay that finds a batch in a set could not tell any more what the batch has
 * added to it.
 */
export const COMMIT_ORDER = ['rollup', 'set', 'replace', 'append'] as const satisfies GoldTable['grows'][];

export function commitOrder(gold: readonly GoldTable[]): GoldTable[] {
  return inOrder(gold, COMMIT_ORDER);
}

function inOrder(gold: readonly GoldTable[], order: readonly GoldTable['grows'][]): GoldTable[] {
  return order.flatMap((grows) => gold.filter((table) => table.grows === grows));
}

export interface GoldBatch {
  engine: Engine;
  /** Has the relation `events`. */
  session: EngineSession;
  gold: readonly GoldTable[];
  id: BatchId;
  input: GoldInput;
  signal: AbortSignal;
}

/**
 * Computes everything before the first commit.
 * @returns in commit order; what a table that has the batch already would add is not computed again
 */
export async function prepareGold(batch: GoldBatch): Promise<GoldWrite[]> {
  const writes = new Map<GoldTable, GoldWrite | undefined>();
  for (const table of computeOrder(batch.gold)) {
    batch.signal.throwIfAborted();
    writes.set(table, await prepare(batch, table));
  }
  return commitOrder(batch.gold).flatMap((table) => writes.get(table) ?? []);
}

function prepare(batch: GoldBatch, table: GoldTable): Promise<GoldWrite | undefined> {
  switch (table.grows) {
    case 'set':
      return prepareSet(batch, table);
    case 'rollup':
      return prepareRollup(batch, table);
    case 'replace':
      return prepareReplaced(batch, table);
    case 'append':
      return prepareAppended(batch, table);
  }
}

async function prepareAppended({ session, input }: GoldBatch, table: GoldTable): Promise<GoldWrite> {
  const mode = input.mode === 'refresh' ? 'overwrite' : 'append';
  return { table, mode, write: await session.prepare(table.name, inTableOrder(table, table.sql)) };
}

/** Those that come after it may be computed from it. */
async function prepareReplaced({ session }: GoldBatch, table: GoldTable): Promise<GoldWrite> {
  const relation = relationOf(table);
  await session.define(relation, inTableOrder(table, table.sql), { materialize: true });
  return { table, mode: 'overwrite', write: await session.prepare(table.name, `SELECT * FROM ${relation}`) };
}

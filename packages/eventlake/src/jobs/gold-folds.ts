import type { Engine } from '../engine/engine.js';
import type { GoldTable } from '../schema/definition.js';
import type { GoldInput } from './gold-tables.js';

/** Increments are folded when there are more of them than of what they add up to, or when they are many files. */
const FOLD_ROWS_MIN = 10_000;
export const FOLD_FILES_MAX = 16;

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

/** A set that lacks a batch, as one that has just been declared, cannot catch up by increments. */
export async function setsAreBehind(
  engine: Engine,
  gold: readonly GoldTable[],
  appId: string,
  batch: number,
): Promise<boolean> {
  for (const { name, grows } of gold) {
    if (grows !== 'set') continue;
    const { txnVersion = 0 } = await engine.tableState(name, appId);
    if (txnVersion < batch) return true;
  }
  return false;
}

import type { AddFile, RemoveFile } from '../actions.js';
import { mapBounded } from '../bounded.js';
import type { VacuumOptions } from '../contract.js';
import { deletionVectorPath } from '../deletion-vectors/descriptor.js';
import { DeltaError } from '../errors.js';
import { canonicalPath, dataFilePath, isAbsolute } from '../log/paths.js';
import { listLog, readCommits } from '../log/reader.js';
import type { LogState } from '../log/replay.js';
import { commitsIn } from '../log/segment.js';
import { durationMs, RETENTION_DEFAULTS } from '../properties.js';
import type { Store, StoreEntry } from '../store.js';

const HOUR_MS = 3_600_000;
const DELETES_MAX = 16;

/**
 * Deletes the files of the table's folder that no version within the retention names. Nothing outside of the folder,
 * nothing of the log, nothing hidden (`_…`, `.…`) but change data, and nothing younger than the retention: a writer
 * may be about to commit it.
 * @param newest gives the table's newest state; called after the listing, so that it knows all that was listed.
 * @returns the files, relative to the store's root.
 * @throws DeltaError of kind `invalid` where the retention is below the floor.
 */
export async function vacuumTable(
  store: Store,
  table: string,
  newest: () => Promise<LogState>,
  nowMs: number,
  options: VacuumOptions = {},
): Promise<{ files: string[]; sizeBytes: number }> {
  const retentionMs = retentionOf(await newest(), table, options);
  const cutoffMs = nowMs - retentionMs;
  const candidates = (await dataFiles(store, table)).filter(({ modifiedMs }) => modifiedMs < cutoffMs);
  const needed = await neededFiles(store, table, await newest(), cutoffMs);
  const unneeded = candidates.filter(
    ({ path }) => !needed.paths.has(path) && !needed.names.has(nameOf(path)),
  );
  if (!options.dryRun) await mapBounded(unneeded, DELETES_MAX, ({ path }) => store.delete(path));
  return {
    files: unneeded.map(({ path }) => path),
    sizeBytes: unneeded.reduce((total, { sizeBytes }) => total + sizeBytes, 0),
  };
}

function retentionOf({ metadata }: LogState, table: string, options: VacuumOptions): number {
  const property = 'delta.deletedFileRetentionDuration';
  const floorMs = durationMs(metadata.configuration, property, RETENTION_DEFAULTS.filesMs);
  if (options.retentionHours === undefined) return floorMs;
  const wantedMs = options.retentionHours * HOUR_MS;
  if (!(wantedMs >= 0))
    throw new DeltaError('invalid', `Not a retention: ${options.retentionHours} hours`, { table });
  if (wantedMs < floorMs && !options.belowSafetyFloor) {
    throw new DeltaError(
      'invalid',
      `A retention of ${options.retentionHours} hours is below the table's ${floorMs / HOUR_MS}`,
      { table },
      'Readers of older versions and writers under way would lose files. Pass belowSafetyFloor if there are none.',
    );
  }
  return wantedMs;
}

/** Everything in the table's folder that may be data: not the log, not another table in there. */
async function dataFiles(store: Store, table: string): Promise<StoreEntry[]> {
  const folder = table === '' ? '' : `${table}/`;
  const files: StoreEntry[] = [];
  const others = new Set<string>();
  for await (const entry of store.list(folder)) {
    const path = entry.path.slice(folder.length);
    const log = path.indexOf('/_delta_log/');
    if (log >= 0) others.add(path.slice(0, log + 1));
    else if (isData(path)) files.push(entry);
  }
  const isOthers = (path: string): boolean => [...others].some((other) => path.startsWith(other));
  return files.filter(({ path }) => !isOthers(path.slice(folder.length)));
}

/** Folders of partitions may begin with `_` where the column does: they have a `=` in their name. */
function isData(path: string): boolean {
  const [first = '', ...rest] = path.split('/');
  const names = first === '_change_data' ? rest : [first, ...rest];
  return !names.some((name) => name.startsWith('.') || (name.startsWith('_') && !name.includes('=')));
}

interface Needed {
  /** Relative to the store's root. */
  paths: Set<string>;
  /** File names of what the log names by an address that may or may not be in the table's folder. */
  names: Set<string>;
}

/** All that the newest version names, and all that was removed since the cutoff: data, vectors, change data. */
async function neededFiles(store: Store, table: string, state: LogState, cutoffMs: number): Promise<Needed> {
  const needed: Needed = { paths: new Set(), names: new Set() };
  const keep = (file: Pick<AddFile | RemoveFile, 'path' | 'deletionVector'>): void => {
    const { path, deletionVector } = file;
    keepPath(needed, path, () => dataFilePath(store.url, table, path));
    if (!deletionVector || deletionVector.storageType === 'i') return;
    keepPath(needed, deletionVector.pathOrInlineDv, () => deletionVectorPath(store, table, deletionVector));
  };
  for (const file of state.files.values()) keep(file);
  for (const file of state.tombstones.values()) {
    if ((file.deletionTimestamp ?? 0) >= cutoffMs) keep(file);
  }
  // Checkpoints drop tombstones by the table's retention; the one asked for may be longer, and change data is only here.
  const recent = commitsIn(await listLog(store, table)).filter(({ entry }) => entry.modifiedMs >= cutoffMs);
  for (const { actions } of await readCommits(store, table, recent)) {
    for (const action of actions) {
      if ('remove' in action) keep(action.remove);
      else if ('add' in action) keep(action.add);
      else if ('cdc' in action) keep({ path: action.cdc.path });
    }
  }
  return needed;
}

function keepPath({ paths, names }: Needed, named: string, path: () => string): void {
  if (isAbsolute(named)) names.add(nameOf(canonicalPath(named)));
  try {
    paths.add(path());
  } catch (error) {
    // Somewhere else, so none of vacuum's business; what is not absolute and not understood stops it.
    if (!isAbsolute(named)) throw error;
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

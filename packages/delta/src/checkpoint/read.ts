import type { Action } from '../actions.js';
import { DeltaError } from '../errors.js';
import { checkAction, lines, parseLine } from '../log/commit-file.js';
import { sidecarPath } from '../log/names.js';
import { dataFilePath } from '../log/paths.js';
import type { CheckpointFiles } from '../log/segment.js';
import { memorySource, ParquetFile } from '../parquet/file.js';
import type { StructType } from '../schema.js';
import type { Store } from '../store.js';
import { parquetActions } from './parquet-actions.js';
import { CHECKPOINT_SCHEMA, CHECKPOINT_V2_SCHEMA } from './schema.js';

/**
 * The actions of a checkpoint, a row group at a time: classic, in parts, or by the V2 spec with its sidecars.
 * @throws DeltaError of kind `corrupt` where a file is not what a checkpoint has to be.
 */
export async function* readCheckpoint(
  store: Store,
  table: string,
  { version, format, files }: CheckpointFiles,
): AsyncGenerator<Action[]> {
  const sidecars = new Set<string>();
  for (const { path } of files) {
    const place = { table, version, file: path };
    const bytes = await store.get(path);
    if (format === 'json') yield sortOut(jsonActions(bytes, place), place, sidecars);
    else yield* readParquet(bytes, CHECKPOINT_V2_SCHEMA, place, sidecars);
  }
  for (const sidecar of sidecars) {
    const path = pathOf(store, table, sidecar);
    yield* readParquet(await store.get(path), FILE_ACTIONS, { table, version, file: path });
  }
}

/** The sidecars that a checkpoint names, by their paths in the store: what cleaning the log must leave. */
export async function sidecarsOf(
  store: Store,
  table: string,
  { version, format, files }: CheckpointFiles,
): Promise<Set<string>> {
  const sidecars = new Set<string>();
  for (const { path } of files) {
    const place = { table, version, file: path };
    const bytes = await store.get(path);
    if (format === 'json') sortOut(jsonActions(bytes, place), place, sidecars);
    else for await (const _ of readParquet(bytes, SIDECARS_ONLY, place, sidecars));
  }
  return new Set([...sidecars].map((sidecar) => pathOf(store, table, sidecar)));
}

const SIDECARS_ONLY: StructType = {
  type: 'struct',
  fields: CHECKPOINT_V2_SCHEMA.fields.filter(({ name }) => name === 'sidecar'),
};

/** Section "Sidecar Files": add and remove only. */
const FILE_ACTIONS: StructType = {
  type: 'struct',
  fields: CHECKPOINT_SCHEMA.fields.filter(({ name }) => name === 'add' || name === 'remove'),
};

interface Place {
  table: string;
  version: number;
  file: string;
}

async function* readParquet(
  bytes: Uint8Array,
  schema: StructType,
  place: Place,
  sidecars?: Set<string>,
): AsyncGenerator<Action[]> {
  const file = await ParquetFile.open(memorySource(place.file, bytes));
  for await (const values of parquetActions(file, schema)) yield sortOut(values, place, sidecars);
}

/** The actions of replay; what the checkpoint says of its sidecars goes into `sidecars`. */
function sortOut(values: readonly unknown[], place: Place, sidecars?: Set<string>): Action[] {
  const actions: Action[] = [];
  for (const value of values) {
    const sidecar = sidecarOf(value, place);
    const action = sidecar === undefined ? checkAction(value, place) : null;
    if (sidecar !== undefined) sidecars?.add(sidecar);
    else if (action) actions.push(action);
  }
  return actions;
}

function jsonActions(bytes: Uint8Array, place: Place): unknown[] {
  const values: unknown[] = [];
  let line = 0;
  for (const text of lines(bytes, place)) {
    line++;
    if (text.trim() !== '') values.push(parseLine(text, { ...place, line }));
  }
  return values;
}

function sidecarOf(value: unknown, where: Place): string | undefined {
  if (typeof value !== 'object' || value === null || !('sidecar' in value)) return undefined;
  const { sidecar } = value;
  if (sidecar === null) return undefined;
  if (typeof sidecar === 'object' && 'path' in sidecar! && typeof sidecar.path === 'string')
    return sidecar.path;
  throw new DeltaError('corrupt', 'The action sidecar has no path', where);
}

/** Section "Sidecar File Information": always in `_sidecars`, so that the name alone suffices; a URI is possible. */
function pathOf(store: Store, table: string, path: string): string {
  const isUri = path.includes('/');
  const found = isUri ? dataFilePath(store.url, table, path) : sidecarPath(table, dataFilePath('', '', path));
  if (found.startsWith(sidecarPath(table, ''))) return found;
  throw new DeltaError(
    'corrupt',
    `The checkpoint names a sidecar outside of _sidecars: ${JSON.stringify(path)}`,
    {
      table,
      file: path,
    },
  );
}

import type { AddFile } from '../actions.js';
import type { CompactionGroup, DataEngine, Snapshot } from '../contract.js';
import { DeltaError } from '../errors.js';
import { FileReader } from '../rows/file-reader.js';
import type { StructField } from '../schema.js';
import { compareUtf8 } from '../store/path.js';
import { FileWriter } from './file-writer.js';
import { rowAt } from './rewrite.js';
import type { WritePlace } from './session.js';

/** Rewrites files through this package's own reader and writer: what a table uses that has no other engine. */
export function ownEngine(place: WritePlace): DataEngine {
  return {
    async rewrite(_table, snapshot, group, { sortBy = [] }) {
      const { fields } = snapshot.schema;
      const order = rowOrder(fields, sortBy);
      const writer = new FileWriter(place.store, place.table, snapshot, () => place.nowMs());
      const held: unknown[][] = [];
      for await (const row of liveRows(place, snapshot, group)) {
        if (order) held.push(row);
        else await writer.add(row);
      }
      if (order) for (const row of held.sort(order)) await writer.add(row);
      return (await writer.finish()).map((file): AddFile => ({ ...file, dataChange: false }));
    },
  };
}

async function* liveRows(
  place: WritePlace,
  snapshot: Snapshot,
  { files }: CompactionGroup,
): AsyncGenerator<unknown[]> {
  const { fields } = snapshot.schema;
  const reader = new FileReader(place, snapshot, fields);
  for (const file of files) {
    for await (const batch of reader.read(file)) {
      for (const i of batch.selected) yield rowAt(batch, i, fields);
    }
  }
}

type Order = (a: readonly unknown[], b: readonly unknown[]) => number;

/** Nulls first. @throws DeltaError of kind `invalid` for columns that are not there or have no order */
function rowOrder(fields: readonly StructField[], sortBy: readonly string[]): Order | undefined {
  if (sortBy.length === 0) return undefined;
  const keys = sortBy.map((name) => {
    const index = fields.findIndex((field) => field.name === name);
    const type = fields[index]?.type;
    if (typeof type !== 'string' || type === 'binary')
      throw new DeltaError('invalid', `Cannot sort by ${name}`);
    return { index, compare: type === 'string' ? compareUtf8 : compareValues };
  });
  return (a, b) => {
    for (const { index, compare } of keys) {
      const [x, y] = [a[index], b[index]];
      const order =
        x === null || y === null
          ? Number(y === null) - Number(x === null)
          : compare(x as string, y as string);
      if (order !== 0) return order;
    }
    return 0;
  };
}

function compareValues(a: unknown, b: unknown): number {
  return (a as number) < (b as number) ? -1 : Number((a as number) > (b as number));
}

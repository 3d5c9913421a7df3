import { DeltaError, openTable, type Snapshot, type Store, type Table } from '@eventlake/delta';
import { EventlakeError } from '../../errors.js';
import { columnChanges, describeChange, type TableChange } from '../../schema/changes.js';
import type { TableDefinition } from '../../schema/definition.js';
import { deltaSchema } from '../../schema/types.js';

/** What a Delta table needs to be as declared. Reads only. */
export async function planDeltaTable(store: Store, definition: TableDefinition): Promise<TableChange[]> {
  try {
    const table = await openTable(store, definition.name.replaceAll('.', '/'));
    return deltaChanges(definition, await table.snapshot());
  } catch (error) {
    if (!(error instanceof DeltaError) || error.kind !== 'not-a-table') throw error;
    return [{ in: 'delta', table: definition.name, change: 'create table', by: 'start' }];
  }
}

/**
 * Makes a table that is there as it is declared: adds columns, and where told to, widens them. What others do to it
 * meanwhile is looked at anew; their rows stay.
 * @throws EventlakeError `invalid` where that cannot be, before anything has changed.
 */
export async function growDeltaTable(
  table: Table,
  definition: TableDefinition,
  { widens }: { widens: boolean },
): Promise<void> {
  const changes = deltaChanges(definition, await table.snapshot());
  refuseWhatCannotBe(changes, { widens });
  const fields = new Map(deltaSchema(definition).fields.map((field) => [field.name, field]));
  for (const { change, column } of changes) {
    const field = column === undefined ? undefined : fields.get(column);
    if (field === undefined) continue;
    if (change === 'add column') await table.addColumn(field).catch(unlessDone(table, definition, column!));
    if (change === 'widen column' && typeof field.type === 'string') {
      await table.setProperties({ 'delta.enableTypeWidening': 'true' });
      await table.widenColumn(column!, field.type).catch(unlessDone(table, definition, column!));
    }
  }
}

/** Two that start at once both add the column; one of them finds it there. */
function unlessDone(
  table: Table,
  definition: TableDefinition,
  column: string,
): (error: unknown) => Promise<void> {
  return async (error) => {
    const left = deltaChanges(definition, await table.snapshot());
    if (left.some((change) => change.column === column)) throw error;
  };
}

function deltaChanges(definition: TableDefinition, snapshot: Snapshot): TableChange[] {
  const { name, partitionBy = [] } = definition;
  const place = { in: 'delta', table: name } as const;
  const shape = (field: { name: string; type: unknown }) => ({
    name: field.name,
    type: typeof field.type === 'string' ? field.type : JSON.stringify(field.type),
  });
  const [from, to] = [snapshot.partitionColumns.join(', '), partitionBy.join(', ')];
  const keys: TableChange[] =
    from === to
      ? []
      : [{ ...place, change: 'incompatible', from, to, by: 'hand', why: 'it is partitioned otherwise' }];
  return [
    ...keys,
    ...columnChanges(place, {
      declared: deltaSchema(definition).fields.map(shape),
      found: snapshot.schema.fields.map(shape),
      isWider: (from, to) => WIDER[from]?.includes(to) ?? false,
      keys: snapshot.partitionColumns,
    }),
  ];
}

/** Of the changes that Delta's section "Type Widening" allows, those between types that can be declared. */
const WIDER: Readonly<Record<string, readonly string[]>> = { integer: ['long', 'double'] };

/** @throws EventlakeError `invalid` */
export function refuseWhatCannotBe(changes: readonly TableChange[], { widens }: { widens: boolean }): void {
  const never = changes.filter(({ by }) => by === 'hand');
  if (never.length > 0) {
    throw new EventlakeError(
      'invalid',
      `The declaration has changed as the tables cannot: ${never.map(describeChange).join('; ')}`,
      { table: never[0]!.table },
      'Change the declaration back, give the field another name, or take another data folder.',
    );
  }
  const asked = changes.filter(({ by }) => by === 'apply');
  if (widens || asked.length === 0) return;
  throw new EventlakeError(
    'invalid',
    `The declaration has changed: ${asked.map(describeChange).join('; ')}`,
    { table: asked[0]!.table },
    '`eventlake plan` shows what is to be done, `eventlake apply` does it.',
  );
}

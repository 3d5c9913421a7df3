import { EventlakeError } from '../errors.js';
import { columnChanges, describeChange, type TableChange } from '../schema/changes.js';
import type { ServingTable } from '../schema/definition.js';

/** A table as ClickHouse's catalog has it. */
export interface FoundTable {
  engine: string;
  sorting_key: string;
  columns: readonly { name: string; type: string }[];
}

export function created({ name }: ServingTable): TableChange {
  return { in: 'clickhouse', table: name, change: 'create table', by: 'start' };
}

/** Pure: what a ClickHouse table needs to be as declared. */
export function servingChanges(table: ServingTable, found: FoundTable): TableChange[] {
  const place = { in: 'clickhouse', table: table.name } as const;
  const never = (from: string, to: string, why: string): TableChange[] =>
    from === to ? [] : [{ ...place, change: 'incompatible', from, to, by: 'hand', why }];
  const shape = ({ name, type }: { name: string; type: string }) => ({
    name,
    type: type.replaceAll(/\s+/g, ''),
  });
  return [
    ...never(kindOf(found.engine), kindOf(table.engine), 'its engine is another one'),
    ...never(sortedBy(found.sorting_key), table.orderBy.join(', '), 'it is sorted otherwise'),
    ...columnChanges(place, {
      declared: table.columns.map(shape),
      found: found.columns.map(shape),
      isWider,
      keys: table.orderBy,
    }),
  ];
}

/** @throws EventlakeError `invalid` for what a start does not do. */
export function refuseWhatCannotBe(changes: readonly TableChange[], url: string): void {
  const refused = changes.filter(({ by }) => by === 'hand' || by === 'apply');
  if (refused.length === 0) return;
  const byHand = refused.some(({ by }) => by === 'hand');
  throw new EventlakeError(
    'invalid',
    `ClickHouse has other tables than the pipeline declares: ${refused.map(describeChange).join('; ')}`,
    { table: refused[0]!.table, url },
    byHand
      ? 'Change the declaration back, give the table or column another name, or migrate it by hand.'
      : '`eventlake plan` shows what is to be done, `eventlake apply` does it.',
  );
}

/** One column stands in parentheses in the catalog, several do not. */
function sortedBy(sortingKey: string): string {
  return sortingKey.replace(/^\((.*)\)$/, '$1');
}

/** `ReplicatedSummingMergeTree(n)` and what a cloud calls it are a SummingMergeTree. */
function kindOf(engine: string): string {
  return engine.replace(/\(.*$/s, '').replace(/^(Replicated|Shared)/, '');
}

/** Every value stays what it is: longer numbers of a kind, and null besides. */
function isWider(from: string, to: string): boolean {
  const inner = /^Nullable\((.*)\)$/.exec(to)?.[1];
  if (inner !== undefined) return from === inner || isWider(from.replace(/^Nullable\((.*)\)$/, '$1'), inner);
  const [before, after] = [from, to].map((type) => /^(U?Int|Float)(\d+)$/.exec(type));
  if (!before || !after) return false;
  if (before[1] === after[1]) return Number(before[2]) < Number(after[2]);
  return after[0] === 'Float64' && before[1] === 'Int' && Number(before[2]) <= 32;
}

import pc from 'picocolors';
import type { TableChange } from '../../schema/changes.js';
import { print } from './streams.js';
import { renderTable } from './table.js';

/** What `plan` found, or `apply` has done. */
export function showChanges(changes: readonly TableChange[]): void {
  const rows = changes.map(({ in: place, table, change, column, from, to, by, why }) => [
    place,
    table,
    by === 'hand' ? pc.red(change) : change,
    column ?? '',
    [from, to].filter((type) => type !== undefined).join(' → '),
    why === undefined ? DONE_BY[by] : `${DONE_BY[by]}: ${why}`,
  ]);
  print(renderTable(['in', 'table', 'change', 'column', 'type', 'done'], rows));
}

const DONE_BY: Record<TableChange['by'], string> = {
  start: 'by every start',
  apply: 'by `eventlake apply`',
  drop: 'by `eventlake apply --drop`; until then it stays, empty in new rows',
  nobody: 'stays, empty in new rows',
  hand: 'cannot be done',
};

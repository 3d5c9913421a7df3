import type { Command } from 'commander';
import pc from 'picocolors';
import type { TableChange } from '../schema/changes.js';
import { invoke } from './invocation.js';
import { openForCommand } from './open-for-command.js';
import { stopSignal } from './stop-signal.js';
import { print, printJson } from './terminal/streams.js';

export function registerPlan(program: Command): void {
  program
    .command('plan')
    .description('what a changed declaration would do to the tables; changes nothing')
    .addHelpText(
      'after',
      `
Exit code 0: the tables are as declared; 1: there is something to do; 2: a part of it cannot be done.

Examples:
  eventlake plan
  eventlake plan --json`,
    )
    .action(async (_: object, command: Command) => {
      const invocation = await invoke(command);
      const { planMigration } = await import('../migrate.js');
      const components = await openForCommand(invocation, stopSignal());
      try {
        const changes = await planMigration(components);
        const impossible = changes.some(({ by }) => by === 'hand');
        const pending = changes.some(({ by }) => by === 'start' || by === 'apply');
        process.exitCode = impossible ? 2 : pending ? 1 : 0;
        if (invocation.json) return printJson({ changes, pending, impossible });
        if (changes.length === 0) return print('The tables are as declared.');
        await show(changes);
      } finally {
        await components.close();
      }
    });
}

export function registerApply(program: Command): void {
  program
    .command('apply')
    .description('do what `eventlake plan` shows, while jobs go on')
    .option('--drop', 'columns of ClickHouse tables that are no longer declared go, with what is in them')
    .addHelpText(
      'after',
      `
Nothing is done where a part of the plan cannot be. The lake loses nothing in any case.

Examples:
  eventlake apply
  eventlake apply --drop`,
    )
    .action(async (options: { drop?: boolean }, command: Command) => {
      const invocation = await invoke(command);
      const { applyMigration } = await import('../migrate.js');
      const components = await openForCommand(invocation, stopSignal());
      try {
        const changes = await applyMigration(components, { drops: options.drop ?? false });
        if (invocation.json) return printJson({ changes });
        if (changes.length === 0) return print('The tables are as declared.');
        await show(changes);
        print();
        print('Done.');
      } finally {
        await components.close();
      }
    });
}

const DONE_BY: Record<TableChange['by'], string> = {
  start: 'by every start',
  apply: 'by `eventlake apply`',
  drop: 'by `eventlake apply --drop`; until then it stays, empty in new rows',
  nobody: 'stays, empty in new rows',
  hand: 'cannot be done',
};

async function show(changes: readonly TableChange[]): Promise<void> {
  const { renderTable } = await import('./terminal/table.js');
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

import type { Command } from 'commander';
import { invoke } from '../invocation.js';
import { openForCommand } from '../open/components.js';
import { stopSignal } from '../stop-signal.js';
import { showChanges } from '../terminal/changes.js';
import { print, printJson } from '../terminal/streams.js';

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
      const { applyMigration } = await import('../../migrate.js');
      const components = await openForCommand(invocation, stopSignal());
      try {
        const changes = await applyMigration(components, { drops: options.drop ?? false });
        if (invocation.json) return printJson({ changes });
        if (changes.length === 0) return print('The tables are as declared.');
        showChanges(changes);
        print();
        print('Done.');
      } finally {
        await components.close();
      }
    });
}

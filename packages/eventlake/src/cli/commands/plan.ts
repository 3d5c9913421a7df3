import type { Command } from 'commander';
import { invoke } from '../invocation.js';
import { openForCommand } from '../open/components.js';
import { stopSignal } from '../stop-signal.js';
import { showChanges } from '../terminal/changes.js';
import { print, printJson } from '../terminal/streams.js';

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
      const { planMigration } = await import('../../migrate.js');
      const components = await openForCommand(invocation, stopSignal());
      try {
        const changes = await planMigration(components);
        const impossible = changes.some(({ by }) => by === 'hand');
        const pending = changes.some(({ by }) => by === 'start' || by === 'apply');
        process.exitCode = impossible ? 2 : pending ? 1 : 0;
        if (invocation.json) return printJson({ changes, pending, impossible });
        if (changes.length === 0) return print('The tables are as declared.');
        showChanges(changes);
      } finally {
        await components.close();
      }
    });
}

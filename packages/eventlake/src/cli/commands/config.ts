import type { Command } from 'commander';
import { invoke } from '../invocation.js';
import { print, printJson } from '../terminal/streams.js';

export function registerConfig(program: Command): void {
  program
    .command('config')
    .description('print the effective settings and where each came from')
    .option('--explain', 'say also what each setting means, and its environment variable')
    .addHelpText(
      'after',
      `
Examples:
  eventlake config
  eventlake config --explain
  EVENTLAKE_LOG_PARTITIONS=8 eventlake config --json`,
    )
    .action(async (options: { explain?: boolean }, command: Command) => {
      const invocation = await invoke(command);
      const { describeOrigin, describeSettings } = await import('../../config.js');
      const { settingDescription, variableName } = await import('../../config/schema.js');
      const settings = describeSettings(invocation);
      if (invocation.json) {
        return printJson(
          Object.fromEntries(
            settings.map(({ path, value, origin }) => [path, { value: value ?? null, origin }]),
          ),
        );
      }
      const { renderTable } = await import('../terminal/table.js');
      const extra = options.explain ? ['variable', 'meaning'] : [];
      const rows = settings.map(({ path, value, origin }) => [
        path,
        value === undefined ? null : String(value),
        describeOrigin(origin),
        ...(options.explain ? [variableName(path), settingDescription(path)] : []),
      ]);
      print(renderTable(['setting', 'value', 'origin', ...extra], rows));
    });
}

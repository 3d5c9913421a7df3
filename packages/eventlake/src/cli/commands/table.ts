import type { Table } from '@eventlake/delta';
import type { Command } from 'commander';
import { EventlakeError } from '../../errors.js';
import { type Invocation, invoke } from '../invocation.js';
import { wholeNumber } from '../options.js';
import { print, printJson } from '../terminal/streams.js';

export function registerTable(program: Command): void {
  const table = program
    .command('table')
    .description('history and maintenance of the Delta tables')
    .addHelpText(
      'after',
      `
Examples:
  eventlake table history bronze.user_events
  eventlake table optimize bronze.user_events
  eventlake table vacuum bronze.user_events --dry-run`,
    );
  registerHistory(table);
  registerOptimize(table);
  registerVacuum(table);
}

function registerHistory(table: Command): void {
  table
    .command('history')
    .description('what was committed, newest first')
    .argument('<table>', 'its name, such as gold.kpi_dau')
    .option('--limit <n>', 'at most so many versions', '20')
    .addHelpText('after', `\nExamples:\n  eventlake table history gold.kpi_dau --limit 5`)
    .action(async (name: string, options: { limit: string }, command: Command) => {
      const invocation = await invoke(command);
      const opened = await openNamed(invocation, name);
      const history = await opened.history({ limit: wholeNumber(options.limit, '--limit') });
      if (invocation.json) return printJson(history);
      const { renderTable } = await import('../terminal/table.js');
      const rows = history.map(({ version, timestamp, operation, operationMetrics, userMetadata }) => [
        version,
        new Date(timestamp).toISOString().slice(0, 19),
        operation ?? '',
        Object.entries(operationMetrics ?? {})
          .map(([key, value]) => `${key}=${value}`)
          .join(' '),
        userMetadata ?? '',
      ]);
      print(renderTable(['version', 'committed', 'operation', 'metrics', 'note'], rows));
    });
}

function registerOptimize(table: Command): void {
  table
    .command('optimize')
    .description('put small files together; jobs may go on meanwhile')
    .argument('<table>', 'its name, such as gold.kpi_dau')
    .addHelpText('after', `\nExamples:\n  eventlake table optimize bronze.user_events`)
    .action(async (name: string, _: object, command: Command) => {
      const invocation = await invoke(command);
      await openNamed(invocation, name);
      const { openForCommand } = await import('../open/components.js');
      const components = await openForCommand(invocation);
      try {
        const { compactTargetBytes: targetBytes } = invocation.settings.maintenance;
        const result = await components.engine.optimize(name, { targetBytes });
        if (result.status === 'conflict') {
          throw new EventlakeError(
            'busy',
            `${name} is being rewritten by somebody else, and nothing was changed`,
            { table: name },
            'Try again when that is done.',
          );
        }
        const { filesRemoved, filesAdded } = result;
        if (invocation.json) return printJson({ table: name, filesRemoved, filesAdded });
        print(
          filesRemoved === 0
            ? `${name} has no small files to put together.`
            : `${name}: ${filesRemoved} files became ${filesAdded}.`,
        );
      } finally {
        await components.close();
      }
    });
}

interface VacuumOptions {
  dryRun?: boolean;
  retentionHours?: string;
  belowSafetyFloor?: boolean;
}

function registerVacuum(table: Command): void {
  table
    .command('vacuum')
    .description('delete files that no version within the retention needs')
    .argument('<table>', 'its name, such as gold.kpi_dau')
    .option('--dry-run', 'only list what would be deleted')
    .option(
      '--retention-hours <n>',
      'keep what versions of this time need (setting maintenance.vacuumRetentionHours)',
    )
    .option('--below-safety-floor', 'allow less than the table allows: older versions are gone for good')
    .addHelpText(
      'after',
      `\nExamples:\n  eventlake table vacuum bronze.user_events --dry-run\n  eventlake table vacuum bronze.user_events`,
    )
    .action(async (name: string, options: VacuumOptions, command: Command) => {
      const invocation = await invoke(command, [
        ...(options.retentionHours
          ? [
              {
                path: 'maintenance.vacuumRetentionHours',
                value: options.retentionHours,
                flag: '--retention-hours',
              },
            ]
          : []),
      ]);
      const opened = await openNamed(invocation, name);
      const dryRun = options.dryRun ?? false;
      const { files, sizeBytes } = await opened.vacuum({
        dryRun,
        retentionHours: invocation.settings.maintenance.vacuumRetentionHours,
        belowSafetyFloor: options.belowSafetyFloor ?? false,
      });
      if (invocation.json) return printJson({ table: name, dryRun, files, sizeBytes });
      const { formatBytes, formatCount } = await import('../terminal/format.js');
      if (dryRun) for (const file of files) print(file);
      const what = `${formatCount(files.length)} ${files.length === 1 ? 'file' : 'files'}, ${formatBytes(sizeBytes)}`;
      print(dryRun ? `Would delete ${what}.` : `Deleted ${what}.`);
    });
}

/** @throws EventlakeError `not-found`, naming the tables that there are. */
async function openNamed({ settings }: Invocation, name: string): Promise<Table> {
  const { openStore } = await import('../../components.js');
  const { loadPipeline } = await import('../../config/load-pipeline.js');
  const { deltaTables } = await import('../../schema/tables.js');
  const { DeltaError, openTable } = await import('@eventlake/delta');
  const known = deltaTables(await loadPipeline(settings.pipeline, process.cwd())).map((table) => table.name);
  try {
    if (!known.includes(name)) throw new DeltaError('not-a-table', 'unknown');
    return await openTable(await openStore(settings), name.replace('.', '/'));
  } catch (error) {
    if (!(error instanceof DeltaError) || error.kind !== 'not-a-table') throw error;
    const isKnown = known.includes(name);
    throw new EventlakeError(
      'not-found',
      isKnown ? `${name} has not been made yet` : `There is no table ${name}`,
      { table: name },
      isKnown ? 'The job that fills it makes it.' : `There are ${known.join(', ')}.`,
    );
  }
}

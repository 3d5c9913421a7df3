import type { Command } from 'commander';
import pc from 'picocolors';
import type { Check } from '../verify/verify.js';
import { invoke } from './invocation.js';
import { openForCommand } from './open-for-command.js';
import { stopSignal } from './stop-signal.js';
import { print, printJson } from './terminal/streams.js';

export function registerVerify(program: Command): void {
  program
    .command('verify')
    .description('recount the ledger: what went into each stage is what came out of it')
    .option('--deep', 'recount from the rows instead of trusting any counter')
    .addHelpText(
      'after',
      `
Each side is counted at its own committed position, so that lag is no error, and jobs may go on meanwhile. Exit code 1
where two sides differ.

Examples:
  eventlake verify
  eventlake verify --deep
  eventlake verify --json`,
    )
    .action(async (options: { deep?: boolean }, command: Command) => {
      const invocation = await invoke(command);
      const { verify } = await import('../verify/verify.js');
      const components = await openForCommand(invocation, stopSignal());
      try {
        const report = await verify(components, { deep: options.deep ?? false });
        if (!report.ok) process.exitCode = 1;
        const { leaveVerdict } = await import('../metrics/verify-metrics.js');
        await leaveVerdict(invocation.settings.dataDir, report).catch(() => {});
        if (invocation.json) return printJson(report);
        await show(report.checks);
        const { formatDuration } = await import('./terminal/format.js');
        const wrong = report.checks.filter(({ status }) => status === 'mismatch').length;
        print();
        print(
          report.ok
            ? pc.green(`Everything is accounted for (${formatDuration(report.durationMs)}).`)
            : pc.red(`${wrong} of ${report.checks.length} checks do not hold.`),
        );
      } finally {
        await components.close();
      }
    });
}

const MARKS = { ok: () => pc.green('✓'), mismatch: () => pc.red('✗'), skipped: () => pc.dim('–') };

async function show(checks: readonly Check[]): Promise<void> {
  const { renderTable } = await import('./terminal/table.js');
  const { formatCount } = await import('./terminal/format.js');
  const rows = checks.map(({ check, left, right, difference, status, detail }) => [
    MARKS[status](),
    check,
    status === 'skipped' ? '' : formatCount(left),
    status === 'skipped' ? '' : formatCount(right),
    difference === 0 ? '' : pc.red(formatCount(difference)),
    detail,
  ]);
  print(renderTable(['', 'check', 'left', 'right', 'difference', 'detail'], rows));
}

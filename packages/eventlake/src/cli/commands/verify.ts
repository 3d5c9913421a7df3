import type { Command } from 'commander';
import pc from 'picocolors';
import type { Components } from '../../components.js';
import type { Settings } from '../../config.js';
import { sleep } from '../../jobs/sleep.js';
import type { VerifyReport } from '../../verify/verify.js';
import { invoke } from '../invocation.js';
import { openForCommand } from '../open/components.js';
import { wholeNumber } from '../options.js';
import { stopSignal, tellParent } from '../stop-signal.js';
import { print, printJson } from '../terminal/streams.js';

const LOOK_EVERY_MS = 1000;

export function registerVerify(program: Command): void {
  program
    .command('verify')
    .description('recount the ledger: what went into each stage is what came out of it')
    .option('--deep', 'recount from the rows instead of trusting any counter')
    .option('--every <seconds>', 'again and again until stopped, from one start to the next')
    .addHelpText(
      'after',
      `
Each side is counted at its own committed position, so that lag is no error, and jobs may go on meanwhile. Exit code 1
where two sides differ. Each result is kept in ClickHouse for 30 days (realtime.pipeline_checks).

Examples:
  eventlake verify
  eventlake verify --deep
  eventlake verify --every 300
  eventlake verify --json`,
    )
    .action(async (options: { deep?: boolean; every?: string }, command: Command) => {
      const invocation = await invoke(command);
      const everySeconds =
        options.every === undefined ? undefined : wholeNumber(options.every, '--every', [1, 86_400]);
      const { verify } = await import('../../verify/verify.js');
      const { leaveVerdict } = await import('../../metrics/verify-metrics.js');
      const signal = stopSignal();
      tellParent({ type: 'ready' });
      // What goes on beside the jobs may have started before them.
      if (everySeconds !== undefined && !(await logIsThere(invocation.settings, signal))) return;
      const components = await openForCommand(invocation, signal);
      try {
        for (;;) {
          const startedMs = performance.now();
          const report = await verify(components, { deep: options.deep ?? false });
          await keep(components, report);
          await leaveVerdict(invocation.settings.dataDir, report).catch(() => {});
          if (everySeconds !== undefined) tell(components, report);
          process.exitCode = report.ok ? 0 : 1;
          if (invocation.json) printJson(report);
          else await show(report);
          if (everySeconds === undefined) return;
          await sleep(startedMs + everySeconds * 1000 - performance.now(), signal);
          if (signal.aborted) return;
        }
      } finally {
        await components.close();
      }
    });
}

/** @returns false where it is stopped before there is one */
async function logIsThere(settings: Settings, signal: AbortSignal): Promise<boolean> {
  const { openExistingLog } = await import('../../components.js');
  while (!signal.aborted) {
    const log = await openExistingLog(settings);
    if (log) {
      await log.close();
      return true;
    }
    await sleep(LOOK_EVERY_MS, signal);
  }
  return false;
}

/** Where it goes on by itself, nobody looks at each result. */
function tell({ logger }: Components, { ok, checks }: VerifyReport): void {
  if (ok) return;
  const wrong = checks.filter(({ status }) => status === 'mismatch');
  logger.error({ checks: wrong.map(({ check }) => check) }, 'the ledger does not add up');
}

/** What was found holds whether it can be kept or not. */
async function keep(components: Components, report: VerifyReport): Promise<void> {
  const { recordChecks } = await import('../../health.js');
  await recordChecks(components, report).catch((error: unknown) => {
    components.logger.warn({ err: error }, 'the result could not be kept in ClickHouse');
  });
}

const MARKS = { ok: () => pc.green('✓'), mismatch: () => pc.red('✗'), skipped: () => pc.dim('–') };

async function show({ ok, checks, durationMs }: VerifyReport): Promise<void> {
  const { renderTable } = await import('../terminal/table.js');
  const { formatCount, formatDuration } = await import('../terminal/format.js');
  const rows = checks.map(({ check, left, right, difference, status, detail }) => [
    MARKS[status](),
    check,
    status === 'skipped' ? '' : formatCount(left),
    status === 'skipped' ? '' : formatCount(right),
    difference === 0 ? '' : pc.red(formatCount(difference)),
    detail,
  ]);
  print(renderTable(['', 'check', 'left', 'right', 'difference', 'detail'], rows));
  const wrong = checks.filter(({ status }) => status === 'mismatch').length;
  print();
  print(
    ok
      ? pc.green(`Everything is accounted for (${formatDuration(durationMs)}).`)
      : pc.red(`${wrong} of ${checks.length} checks do not hold.`),
  );
}

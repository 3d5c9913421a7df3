import { Command, CommanderError } from 'commander';
import { EventlakeError } from '../errors.js';
import { registerApply } from './commands/apply.js';
import { registerConfig } from './commands/config.js';
import { registerDev } from './commands/dev.js';
import { registerDoctor } from './commands/doctor.js';
import { registerIngest } from './commands/ingest.js';
import { registerPlan } from './commands/plan.js';
import { registerQuarantine } from './commands/quarantine.js';
import { registerQuery } from './commands/query.js';
import { registerReset } from './commands/reset.js';
import { registerRun } from './commands/run.js';
import { registerServe } from './commands/serve.js';
import { registerStatus } from './commands/status.js';
import { registerTable } from './commands/table.js';
import { registerVerify } from './commands/verify.js';
import { addGlobals, type Globals } from './invocation.js';
import { endProcess, reportError } from './terminal/report-error.js';
import { surviveClosedPipes } from './terminal/streams.js';

/**
 * The command line. Commands only declare themselves here; what a command needs is imported when it runs, so that
 * `--help` is fast and nobody loads native code that the command does not use.
 */
export async function main(argv: readonly string[]): Promise<void> {
  surviveClosedPipes();
  // Looked for by hand: what is wrong with the command line is told before it has been read.
  const json = argv.includes('--json');
  const program = buildProgram({ json });
  try {
    await program.parseAsync([...argv]);
    await endProcess(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) {
      if (json && error.exitCode !== 0 && error.code !== 'commander.help') {
        reportError(new EventlakeError('invalid', error.message.replace(/^error: /, ''), {}, USAGE), {
          json,
        });
      }
      await endProcess(error.exitCode === 0 ? 0 : 2);
    }
    await endProcess(reportError(error, program.opts<Globals>()));
  }
}

const USAGE = 'eventlake --help shows the commands, eventlake <command> --help its options and examples';

/** @param options.json What is wrong with the command line is not printed: the caller tells it. */
export function buildProgram({ json = false } = {}): Command {
  const program = new Command('eventlake')
    .description('An event lakehouse in one command: log → bronze → silver → gold → ClickHouse.')
    .exitOverride()
    .showHelpAfterError(json ? false : `(${USAGE})`)
    .configureOutput(json ? { outputError: () => {} } : {})
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true });
  addGlobals(program);
  for (const register of COMMANDS) register(program);
  program.addHelpText('after', EXIT_CODES);
  return program;
}

const COMMANDS = [
  registerDev,
  registerRun,
  registerServe,
  registerIngest,
  registerQuery,
  registerStatus,
  registerVerify,
  registerTable,
  registerPlan,
  registerApply,
  registerQuarantine,
  registerConfig,
  registerDoctor,
  registerReset,
];

const EXIT_CODES = `
Exit codes:
  0  done                              6  records or files are lost
  1  a check failed, verify is red     7  disk full, folder or server not usable
  2  wrong usage, setting or input     8  stored data contradicts itself
  3  what was asked for is not there   9  not allowed
  4  another process has it           10  a bound was reached
  5  another instance was first       70  a bug of ours
  130  stopped by a second Ctrl-C`;

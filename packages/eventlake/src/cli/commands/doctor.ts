import type { Command } from 'commander';
import pc from 'picocolors';
import { invoke } from '../invocation.js';
import { print, printJson } from '../terminal/streams.js';

export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('look for what would keep eventlake from running, and say what to do about it')
    .addHelpText(
      'after',
      `
Looks at: Node's version, the native modules, the data folder, disk space, memory, the endpoint's port, who is running
on the folder, the pipeline. Exit code 1 where something must be mended.

Examples:
  eventlake doctor
  eventlake doctor --json
  eventlake doctor --set clickhouse.port=9000`,
    )
    .action(async (_: object, command: Command) => {
      const { settings, json } = await invoke(command);
      const { examine } = await import('./doctor/examine.js');
      const findings = await examine(settings);
      if (findings.some(({ status }) => status === 'fail')) process.exitCode = 1;
      if (json) return printJson(findings);
      for (const { status, check, message, remedy } of findings) {
        print(`${MARKS[status]()} ${check.padEnd(16)} ${message}`);
        if (remedy) print(`  ${' '.repeat(16)} ${pc.cyan('→')} ${remedy}`);
      }
    });
}

const MARKS = { ok: () => pc.green('✓'), warn: () => pc.yellow('!'), fail: () => pc.red('✗') };

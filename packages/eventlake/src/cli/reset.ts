import type { Command } from 'commander';
import { EventlakeError } from '../errors.js';
import { invoke } from './invocation.js';
import { askYesNo } from './terminal/ask.js';
import { print, printJson } from './terminal/streams.js';

/** What lives in a data folder, and nothing else is deleted: a wrong --data-dir must not cost anybody a home folder. */
const OURS = ['lakehouse', 'log', 'clickhouse', 'tmp', 'locks'];

export function registerReset(program: Command): void {
  program
    .command('reset')
    .description('delete everything in the data folder: log, tables, ClickHouse (asks first)')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `
Refuses while anything runs on the folder. What lies elsewhere (a lakehouse that is not in the data folder, a topic
of Kafka, a ClickHouse server) is left alone.

Examples:
  eventlake reset
  eventlake reset --yes --data-dir /tmp/trial`,
    )
    .action(async (options: { yes?: boolean }, command: Command) => {
      const { settings, json } = await invoke(command);
      const { access, rm } = await import('node:fs/promises');
      const { join } = await import('node:path');
      const { acquireLock, lockHolders } = await import('../lock.js');
      const { dataDir } = settings;
      const there: string[] = [];
      for (const name of OURS) {
        await access(join(dataDir, name)).then(
          () => there.push(name),
          () => {},
        );
      }
      if (there.length === 0) {
        return json ? printJson({ dataDir, deleted: [] }) : print(`Nothing to delete in ${dataDir}.`);
      }
      refuseWhileRunning(await lockHolders(dataDir), dataDir);
      const question = `Delete ${there.join(', ')} in ${dataDir} for good?`;
      if (!options.yes && !(await askYesNo(question, 'Nothing was deleted.'))) return;
      const lock = await acquireLock(dataDir, 'reset');
      try {
        refuseWhileRunning(
          (await lockHolders(dataDir)).filter(({ name }) => name !== 'reset'),
          dataDir,
        );
        for (const name of there.filter((name) => name !== 'locks')) {
          await rm(join(dataDir, name), { recursive: true, force: true });
        }
      } finally {
        await lock.release();
      }
      await rm(join(dataDir, 'locks'), { recursive: true, force: true });
      return json
        ? printJson({ dataDir, deleted: there })
        : print(`Deleted ${there.join(', ')} in ${dataDir}.`);
    });
}

function refuseWhileRunning(holders: readonly { name: string; pid: number }[], dataDir: string): void {
  if (holders.length === 0) return;
  const running = holders.map(({ name, pid }) => `${name} (process ${pid})`).join(', ');
  throw new EventlakeError(
    'busy',
    `Not while something runs here: ${running}`,
    { file: dataDir },
    'Stop it first.',
  );
}

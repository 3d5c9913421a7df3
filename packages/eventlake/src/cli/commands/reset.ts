import type { Command } from 'commander';
import type { Settings } from '../../config.js';
import { EventlakeError } from '../../errors.js';
import { invoke } from '../invocation.js';
import { askYesNo } from '../terminal/ask.js';
import { print, printJson } from '../terminal/streams.js';

/** What lives in a data folder, and nothing else is deleted: a wrong --data-dir must not cost anybody a home folder. */
const OURS = ['lakehouse', 'log', 'clickhouse', 'cache', 'metrics', 'tmp', 'locks'];

/** What is ours in a lakehouse that lies elsewhere. */
const LAKEHOUSE = ['bronze', 'silver', 'gold', 'rollup', 'indexes', 'checkpoints', '_conditional-put-check'];

const DELETES_MAX = 16;

export function registerReset(program: Command): void {
  program
    .command('reset')
    .description('delete everything in the data folder: log, tables, ClickHouse (asks first)')
    .option('--yes', 'do not ask')
    .option('--lakehouse', 'the tables as well where they lie elsewhere: in another folder, or on S3')
    .addHelpText(
      'after',
      `
Refuses while anything runs on the folder. What lies elsewhere (a lakehouse that is not in the data folder, a topic
of Kafka, a ClickHouse server) is left alone.

Examples:
  eventlake reset
  eventlake reset --yes --data-dir /tmp/trial`,
    )
    .action(async (options: { yes?: boolean; lakehouse?: boolean }, command: Command) => {
      const { settings, json } = await invoke(command);
      const { access, rm } = await import('node:fs/promises');
      const { join } = await import('node:path');
      const { acquireLock, lockHolders } = await import('../../system/lock.js');
      const { dataDir } = settings;
      const there: string[] = [];
      for (const name of OURS) {
        await access(join(dataDir, name)).then(
          () => there.push(name),
          () => {},
        );
      }
      const isElsewhere = settings.lakehouse !== join(dataDir, 'lakehouse');
      const elsewhere = options.lakehouse && isElsewhere ? settings.lakehouse : undefined;
      if (there.length === 0 && elsewhere === undefined) {
        return json ? printJson({ dataDir, deleted: [] }) : print(`Nothing to delete in ${dataDir}.`);
      }
      refuseWhileRunning(await lockHolders(dataDir), dataDir);
      const tables = elsewhere === undefined ? '' : `all tables and checkpoints at ${elsewhere}, and `;
      const question = `Delete ${tables}${there.join(', ') || 'nothing'} in ${dataDir} for good?`;
      if (!options.yes && !(await askYesNo(question, 'Nothing was deleted.'))) return;
      const lock = await acquireLock(dataDir, 'reset');
      try {
        refuseWhileRunning(
          (await lockHolders(dataDir)).filter(({ name }) => name !== 'reset'),
          dataDir,
        );
        // First, so that what was broken off can be begun again: the folder still says where they are.
        if (elsewhere !== undefined) await deleteLakehouse(settings);
        for (const name of there.filter((name) => name !== 'locks')) {
          await rm(join(dataDir, name), { recursive: true, force: true });
        }
      } finally {
        await lock.release();
      }
      await rm(join(dataDir, 'locks'), { recursive: true, force: true });
      return json
        ? printJson({ dataDir, deleted: there, ...(elsewhere !== undefined && { lakehouse: elsewhere }) })
        : print(`Deleted ${tables}${there.join(', ') || 'nothing'} in ${dataDir}.`);
    });
}

async function deleteLakehouse(settings: Settings): Promise<void> {
  const { openStore } = await import('../../components.js');
  const store = await openStore(settings);
  for (const folder of LAKEHOUSE) {
    let paths: string[] = [];
    const deleteThem = async () => {
      await Promise.all(paths.map((path) => store.delete(path)));
      paths = [];
    };
    for await (const { path } of store.list(`${folder}/`)) {
      paths.push(path);
      if (paths.length === DELETES_MAX) await deleteThem();
    }
    await deleteThem();
  }
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

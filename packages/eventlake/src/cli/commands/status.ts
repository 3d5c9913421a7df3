import type { Command } from 'commander';
import type { Status } from '../../status.js';
import { invoke } from '../invocation.js';
import { print, printJson } from '../terminal/streams.js';

export function registerStatus(program: Command): void {
  program
    .command('status')
    .description('how far each stage has come, what runs, and where the endpoint is')
    .option('--tables', 'every Delta table: version, rows, files, size')
    .addHelpText(
      'after',
      `
It reads the log's positions and the tables' commits, and works while nothing runs.

Examples:
  eventlake status
  eventlake status --tables
  eventlake status --json`,
    )
    .action(async (options: { tables?: boolean }, command: Command) => {
      const { settings, json } = await invoke(command);
      const { openStatus } = await import('../open/status.js');
      const { lockHolders } = await import('../../system/lock.js');
      const { findEndpoint } = await import('../../serving/endpoint/endpoint-file.js');
      const opened = await openStatus(settings);
      try {
        const status = await opened.reader.read();
        const running = await lockHolders(settings.dataDir);
        const endpoint = settings.clickhouse.url ?? (await findEndpoint(settings.dataDir))?.url;
        if (json)
          return printJson({ dataDir: settings.dataDir, ...status, running, endpoint: endpoint ?? null });
        await show(status, options.tables ?? false);
        print();
        print(`running   ${running.map(({ name, pid }) => `${name} (${pid})`).join(', ') || 'nothing'}`);
        print(`endpoint  ${endpoint ?? 'none'}`);
        print(`data      ${settings.dataDir}`);
      } finally {
        await opened.close();
      }
    });
}

async function show(status: Status, withTables: boolean): Promise<void> {
  const { renderTable } = await import('../terminal/table.js');
  const { formatBytes, formatCount } = await import('../terminal/format.js');
  const { stageRows, STAGE_HEADINGS } = await import('../terminal/stages.js');
  print(renderTable(STAGE_HEADINGS, stageRows(status)));
  if (!withTables) return;
  print();
  const rows = status.tables.map((table) => [
    table.table,
    formatCount(table.version),
    formatCount(table.rows),
    formatCount(table.files),
    formatBytes(table.bytes),
  ]);
  print(renderTable(['table', 'version', 'rows', 'files', 'size'], rows));
}

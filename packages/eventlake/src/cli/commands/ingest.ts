import type { Command } from 'commander';
import type { IngestProgress, IngestResult } from '../../ingest/ingest.js';
import { invoke } from '../invocation.js';
import { stopSignal } from '../stop-signal.js';
import { print, printJson } from '../terminal/streams.js';

export function registerIngest(program: Command): void {
  program
    .command('ingest')
    .description('append events from files, one JSON object a line, to the log')
    .argument('<files...>', 'plain, .gz or .zst; - is stdin')
    .option('--source-id <name>', 'recognise the one input by this name instead of its content')
    .addHelpText(
      'after',
      `
Safe to repeat and to resume: a file is recognised by its content, and what was ingested is skipped. Standard input is
appended each time, unless --source-id says what it is. Lines that are no JSON object are kept, too: in quarantine.

Examples:
  eventlake ingest events.ndjson
  eventlake ingest january/*.ndjson.gz february.ndjson.zst
  tail -n 1000 events.ndjson | eventlake ingest -
  produce-events | eventlake ingest - --source-id shop-2026-01-05`,
    )
    .action(async (files: string[], options: { sourceId?: string }, command: Command) => {
      const { settings, json } = await invoke(command);
      const { ingest } = await import('../../ingest/ingest.js');
      const { openLog, provideTopic } = await import('../../components.js');
      const { acquireLock } = await import('../../system/lock.js');
      const { loadPipeline } = await import('../../config/load-pipeline.js');
      const { progressReport } = await import('../terminal/progress.js');
      const signal = stopSignal();
      const { event } = await loadPipeline(settings.pipeline, process.cwd());
      const lock = await acquireLock(settings.dataDir, 'ingest', { shared: true });
      const log = await openLog(settings);
      const bar = progressReport();
      try {
        await provideTopic(log, event.topic, settings);
        const result = await ingest(files, {
          log,
          topic: event.topic,
          keyField: event.key,
          ...(options.sourceId ? { sourceId: options.sourceId } : {}),
          onProgress: (progress) => bar.at(position(progress)),
          signal,
        });
        bar.end();
        if (!result.finished) process.exitCode = 1;
        const { file: stoppedIn, ...totals } = result;
        if (json) return printJson({ files, ...(result.finished ? {} : { stoppedIn }), ...totals });
        await show(result);
      } finally {
        bar.end();
        await log.close();
        await lock.release();
      }
    });
}

function position({ file, bytesRead, bytesTotal, records }: IngestProgress) {
  return { done: bytesRead, total: bytesTotal, count: records, what: file };
}

async function show(result: IngestResult): Promise<void> {
  const { records, skippedAsAlreadyIngested, notObjects, bytesRead, finished } = result;
  const { formatBytes, formatCount } = await import('../terminal/format.js');
  const skipped =
    skippedAsAlreadyIngested > 0 ? `, ${formatCount(skippedAsAlreadyIngested)} had been ingested before` : '';
  print(`${formatCount(records)} records ingested${skipped} (${formatBytes(bytesRead)} read).`);
  if (notObjects > 0) {
    const which =
      notObjects === records ? 'None of them begins' : `${formatCount(notObjects)} of them do not begin`;
    print(`${which} like a JSON object: they will be in quarantine, see \`eventlake quarantine list\`.`);
  }
  if (!finished) print('Stopped before the end: the same command goes on from there.');
}

import { openExistingLog, openStore } from '../../components.js';
import { loadPipeline } from '../../config/load-pipeline.js';
import type { Settings } from '../../config.js';
import type { EventLog } from '../../log/event-log.js';
import type { PipelineDefinition } from '../../schema/definition.js';
import { type StatusReader, statusReader } from '../../status.js';

export interface OpenedStatus {
  pipeline: PipelineDefinition;
  reader: StatusReader;
  close(): Promise<void>;
}

/** A reader of the status, with the log and the store of the settings. It makes nothing that is not there. */
export async function openStatus(settings: Settings): Promise<OpenedStatus> {
  const pipeline = await loadPipeline(settings.pipeline, process.cwd());
  let log: EventLog | undefined;
  const reader = statusReader({
    pipeline,
    store: await openStore(settings),
    // It may come into being while somebody watches.
    log: async () => {
      log ??= await openExistingLog(settings);
      return log;
    },
  });
  return { pipeline, reader, close: async () => log?.close() };
}

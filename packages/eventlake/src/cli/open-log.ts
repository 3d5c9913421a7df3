import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Settings } from '../config.js';
import type { EventLog } from '../log/event-log.js';

/** The log of the data folder; made where it is not there yet. */
export async function openLog(settings: Settings): Promise<EventLog> {
  const { openEmbeddedLog } = await import('../log/embedded-log.js');
  return openEmbeddedLog({ dir: logFolder(settings) });
}

/** The log, or undefined where there is none: looking at something must not make it. */
export async function openExistingLog(settings: Settings): Promise<EventLog | undefined> {
  const exists = await access(logFolder(settings)).then(
    () => true,
    () => false,
  );
  return exists ? openLog(settings) : undefined;
}

function logFolder(settings: Settings): string {
  return join(settings.dataDir, 'log');
}

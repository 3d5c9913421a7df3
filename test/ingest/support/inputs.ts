import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import {
  type IngestOptions,
  type IngestResult,
  ingest,
} from '../../../packages/eventlake/src/ingest/ingest.js';
import { openEmbeddedLog } from '../../../packages/eventlake/src/log/embedded-log.js';
import type { EventLog } from '../../../packages/eventlake/src/log/event-log.js';
import { readAll } from '../../contracts/event-log/harness.js';

/** A folder, a log in it, and `run` to ingest files of the folder into the log. */
export async function workplace(partitions = 1): Promise<{
  path: (name: string) => string;
  log: EventLog;
  run: (files: string[], options?: Partial<IngestOptions>) => Promise<IngestResult>;
  lines: () => Promise<string[]>;
}> {
  const folder = mkdtempSync(join(tmpdir(), 'eventlake-ingest-'));
  const log = await openEmbeddedLog({ dir: join(folder, 'log') });
  onTestFinished(async () => {
    await log.close();
    rmSync(folder, { recursive: true, force: true });
  });
  await log.createTopic('events', { partitions });
  return {
    path: (name) => join(folder, name),
    log,
    run: (files, options) => ingest(files, { log, topic: 'events', keyField: 'event_type', ...options }),
    lines: async () => (await readAll(log, 'events')).map(({ value }) => value!),
  };
}

export function event(n: number): string {
  return JSON.stringify({ event_type: n % 3 ? 'click' : 'login', n, page: `/products/${(n * 7919) % 1000}` });
}

/** Events `from` to `to` (exclusive), a line each. */
export function events(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => event(from + i));
}

export function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

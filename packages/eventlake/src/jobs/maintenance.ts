import { openTable } from '@eventlake/delta';
import type { TableDefinition } from '../schema/definition.js';
import type { JobContext } from './job.js';

/** Files that nobody can reach any more are looked for this often. */
const VACUUM_EVERY_MS = 6 * 3_600_000;
const RETENTION_EVERY_MS = 600_000;

/**
 * Keeps a job's tables tidy between its batches: puts small files together, one step at a time, and now and then removes
 * files that no version within the retention needs. Rows, and what readers see, stay the same.
 * @param compacted Tables that grow by small files; others are written anew by their job.
 */
export function maintenance(
  { engine, store, settings, signal, crashPoint }: JobContext,
  tables: readonly TableDefinition[],
  compacted: readonly TableDefinition[],
): () => Promise<void> {
  const {
    compactAfterFiles: minFiles,
    compactTargetBytes: targetBytes,
    vacuumRetentionHours,
  } = settings.maintenance;
  let vacuumAtMs = performance.now() + VACUUM_EVERY_MS;
  return async () => {
    for (const { name } of compacted) {
      signal.throwIfAborted();
      crashPoint('maintenance:before-compaction');
      await engine.compact(name, { targetBytes, minFiles });
      crashPoint('maintenance:after-compaction');
    }
    if (performance.now() < vacuumAtMs) return;
    vacuumAtMs = performance.now() + VACUUM_EVERY_MS;
    for (const { name } of tables) {
      signal.throwIfAborted();
      const table = await openTable(store, name.replace('.', '/'));
      await table.vacuum({ retentionHours: vacuumRetentionHours });
    }
  };
}

/** Applies the log's retention now and then; records that a consumer has not read yet stay. */
export function logRetention({ log, pipeline, crashPoint }: JobContext): () => Promise<void> {
  let dueMs = Number.NEGATIVE_INFINITY;
  return async () => {
    if (performance.now() < dueMs) return;
    dueMs = performance.now() + RETENTION_EVERY_MS;
    await log.enforceRetention(pipeline.event.topic);
    crashPoint('maintenance:after-retention');
  };
}

import type { Store } from '@eventlake/delta';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What a job's process counts of itself, since it started. */
export interface JobMetrics {
  batch(report: { rowsIn: number; rowsOut: number; durationMs: number; late?: number }): void;
  /** A batch failed and is to be tried again. */
  failure(): void;
  /** The store with lost commits to Delta tables counted: a commit is a file that another writer may put first. */
  store(store: Store): Store;
}

const SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

export function jobMetrics(registry: Registry, stage: string): JobMetrics {
  const registers = [registry];
  const labelNames = ['stage'];
  const counter = (name: string, help: string) => {
    const made = new Counter({ name, help, labelNames, registers });
    made.inc({ stage }, 0);
    return made;
  };
  const batches = counter('eventlake_batches_total', 'Batches since the process started.');
  const rowsIn = counter('eventlake_batch_rows_in_total', 'Records or rows that went into the batches.');
  const rowsOut = counter('eventlake_batch_rows_out_total', "Rows that came out in the stage's main table.");
  const failures = counter('eventlake_batch_failures_total', 'Batches that failed and are tried again.');
  const seconds = new Histogram({
    name: 'eventlake_batch_duration_seconds',
    help: "From the plan's execution to its last commit.",
    labelNames,
    buckets: SECONDS,
    registers,
  });
  const last = new Gauge({
    name: 'eventlake_batch_last_success_timestamp_seconds',
    help: 'When the last batch ended, since 1970.',
    labelNames,
    registers,
  });
  const late =
    stage === 'fast-agg' ? counter('eventlake_late_events_total', 'Events counted as late.') : undefined;
  const conflicts = new Counter({
    name: 'eventlake_commit_conflicts_total',
    help: 'Commits to a Delta table that another writer was ahead of, and were tried again.',
    labelNames: ['stage', 'table'],
    registers,
  });
  return {
    batch(report) {
      batches.inc({ stage });
      rowsIn.inc({ stage }, report.rowsIn);
      rowsOut.inc({ stage }, report.rowsOut);
      seconds.observe({ stage }, report.durationMs / 1000);
      last.set({ stage }, Date.now() / 1000);
      late?.inc({ stage }, report.late ?? 0);
    },
    failure: () => failures.inc({ stage }),
    store: (store) => countingConflicts(store, (table) => conflicts.inc({ stage, table })),
  };
}

/** @returns `produced` is told how many records there are so far. */
export function producerMetrics(registry: Registry): { produced(count: number): void } {
  const records = new Counter({
    name: 'eventlake_produced_records_total',
    help: 'Records of the simulated producer.',
    registers: [registry],
  });
  let known = 0;
  return {
    produced(count) {
      records.inc(count - known);
      known = count;
    },
  };
}

const COMMIT = /^(.+)\/_delta_log\/\d{20}\.json$/;

function countingConflicts(store: Store, conflict: (table: string) => void): Store {
  const { localPath, putFile, stat } = store;
  return {
    url: store.url,
    get: (path, range) => store.get(path, range),
    list: (prefix, options) => store.list(prefix, options),
    put: (path, data) => store.put(path, data),
    delete: (path) => store.delete(path),
    async putIfAbsent(path, data) {
      const landed = await store.putIfAbsent(path, data);
      const table = landed ? undefined : COMMIT.exec(path)?.[1];
      if (table !== undefined) conflict(table.replaceAll('/', '.'));
      return landed;
    },
    ...(putFile ? { putFile: (path: string, file: string) => putFile.call(store, path, file) } : {}),
    ...(stat ? { stat: (path: string) => stat.call(store, path) } : {}),
    ...(localPath ? { localPath: (path: string) => localPath.call(store, path) } : {}),
  };
}

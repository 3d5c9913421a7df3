import type { Store } from '@eventlake/delta';
import type { Logger } from 'pino';
import type { Settings } from '../config.js';
import type { Engine } from '../engine/engine.js';
import type { EventLog } from '../log/event-log.js';
import type { PipelineDefinition } from '../schema/definition.js';
import type { Serving } from '../serving/serving.js';

/** What a job is handed. Clock, log, store, engine and serving are arguments: a job opens nothing itself. */
export interface JobContext {
  pipeline: PipelineDefinition;
  settings: Settings;
  /** The lakehouse's root: tables and `checkpoints/`. */
  store: Store;
  log: EventLog;
  engine: Engine;
  /** Opened on first use, so that jobs that serve nothing never need ClickHouse. */
  serving(): Promise<Serving>;
  logger: Logger;
  /** Milliseconds since 1970. */
  now(): number;
  signal: AbortSignal;
  /** Called around every durable write; tests make it kill the process. See `crash-points.ts`. */
  crashPoint(name: string): void;
  /** Of the batch that runs, where batches are traced. */
  traceparent?(): string | undefined;
}

export type JobName = 'raw-landing' | 'bronze-to-silver' | 'silver-to-gold' | 'fast-agg';

export interface BatchReport {
  job: JobName;
  batch: number;
  rowsIn: number;
  rowsOut: number;
  durationMs: number;
  /** Events of the batch that were counted as late, where the job tells them apart. */
  late?: number;
  /** The batch's bound was reached: more was waiting already when it was planned, and the next need not wait. */
  more?: boolean;
}

/** One step of a job: does the next batch if there is anything to do. */
export interface Job {
  readonly name: JobName;
  /** Replays the newest plan where it is unfinished, and learns the position. */
  recover(): Promise<void>;
  /** Plans, computes and commits one batch; undefined where nothing is new. */
  runBatch(): Promise<BatchReport | undefined>;
  /** Compaction and cleaning, between batches. */
  maintain(): Promise<void>;
}

/** A job that follows the log: the loop waits for it until records lie at or beyond its position. */
export interface StreamingJob extends Job {
  /** Where the next batch begins, one offset a partition; known after `recover`. */
  position(): readonly number[];
}

import { DeltaError, openTable, type Snapshot, type Store, type Table } from '@eventlake/delta';
import { openPlanStore } from './batch/plan-store.js';
import type { Passed } from './jobs/passed.js';
import type { EventLog } from './log/event-log.js';
import type { PipelineDefinition } from './schema/definition.js';
import { bronzeTables, deltaTables, silverTables } from './schema/tables.js';

/** How far everything has come: read from the log's positions and the tables' commits, whether anything runs or not. */
export interface Status {
  log: LogStatus | undefined;
  stages: StageStatus[];
  tables: TableStatus[];
}

export interface LogStatus {
  topic: string;
  /** Records ever appended, and those that retention has kept. */
  appended: number;
  kept: number;
  partitions: { partition: number; startOffset: number; endOffset: number }[];
}

export interface StageStatus {
  stage: 'raw-landing' | 'bronze-to-silver' | 'silver-to-gold' | 'fast-agg';
  /** What has come out at the end of the stage: rows of its main table; of fast-agg, records counted. */
  rows: number;
  /** What it set aside, each with its reason. */
  quarantined?: number;
  duplicates?: number;
  /** Records or rows that wait for it. */
  lag: number;
  /** Of the stages that read the log, the same by partition. */
  partitionLag?: number[];
  /** Of fast-agg, by partition: event times before which everything is late, as of the newest plan; null: none yet. */
  watermarks?: (string | null)[];
  lastBatch?: { batch: number; plannedAt: string };
}

export interface TableStatus {
  table: string;
  version: number;
  rows: number;
  files: number;
  bytes: number;
}

export interface StatusReader {
  read(): Promise<Status>;
}

export interface StatusSources {
  pipeline: PipelineDefinition;
  store: Store;
  /** Undefined as long as there is no log. */
  log(): Promise<EventLog | undefined>;
}

/** Reads again and again: tables go on from the version that they last had, so an unchanged one costs a listing. */
export function statusReader({ pipeline, store, log: openedLog }: StatusSources): StatusReader {
  const opened = new Map<string, Table>();
  const { topic } = pipeline.event;

  async function snapshot(name: string): Promise<Snapshot | undefined> {
    try {
      const table = opened.get(name) ?? (await openTable(store, name.replace('.', '/')));
      opened.set(name, table);
      return await table.snapshot();
    } catch (error) {
      if (error instanceof DeltaError && error.kind === 'not-a-table') return undefined;
      throw error;
    }
  }

  async function lastBatch(stage: string): Promise<Pick<StageStatus, 'lastBatch' | 'watermarks'>> {
    const plan = await openPlanStore<{ highestEventUs?: (number | null)[] }>(store, stage, topic).newest();
    if (!plan) return {};
    const watermarks = plan.input.highestEventUs?.map((us) =>
      us === null ? null : new Date(us / 1000 - pipeline.live.watermarkDelayMs).toISOString(),
    );
    return {
      lastBatch: { batch: plan.batch, plannedAt: plan.plannedAt },
      ...(watermarks ? { watermarks } : {}),
    };
  }

  return {
    async read() {
      const log = await openedLog();
      const logStatus = log && (await readLog(log, topic));
      const tables: TableStatus[] = [];
      const rows = new Map<string, number>();
      for (const { name } of deltaTables(pipeline)) {
        const found = await snapshot(name);
        if (!found) continue;
        rows.set(name, found.recordCount ?? 0);
        tables.push({
          table: name,
          version: found.version,
          rows: found.recordCount ?? 0,
          files: found.fileCount,
          bytes: found.sizeBytes,
        });
      }
      const count = (table: { name: string } | undefined) => (table && rows.get(table.name)) ?? 0;
      const bronze = bronzeTables(pipeline.event);
      const silver = silverTables(pipeline.event);
      const facts = pipeline.gold.find(({ grows }) => grows === 'append');
      const positionsOf = async (consumer: string) => {
        if (!log || !logStatus) return [];
        if (!log.advisoryPositions) return (await log.positions(consumer, topic)) ?? [];
        return (await openPlanStore<Partial<Passed>>(store, consumer, topic).newest())?.input.position ?? [];
      };
      const [landedTo, countedTo] = [await positionsOf('raw-landing'), await positionsOf('fast-agg')];
      const [landed, counted] = [sum(landedTo), sum(countedTo)];
      const partitionLag = (positions: readonly number[]) =>
        (logStatus?.partitions ?? []).map(({ partition, endOffset }) =>
          Math.max(0, endOffset - (positions[partition] ?? 0)),
        );
      const sorted = count(silver.events) + count(silver.duplicates) + count(silver.quarantine);
      const stages: StageStatus[] = [
        {
          stage: 'raw-landing',
          rows: count(bronze.events),
          quarantined: count(bronze.quarantine),
          lag: Math.max(0, (logStatus?.appended ?? 0) - landed),
          partitionLag: partitionLag(landedTo),
          ...(await lastBatch('raw-landing')),
        },
        {
          stage: 'bronze-to-silver',
          rows: count(silver.events),
          quarantined: count(silver.quarantine),
          duplicates: count(silver.duplicates),
          // Every bronze row ends in exactly one of the three.
          lag: Math.max(0, count(bronze.events) - sorted),
          ...(await lastBatch('bronze-to-silver')),
        },
        {
          stage: 'silver-to-gold',
          rows: count(facts),
          lag: Math.max(0, count(silver.events) - count(facts)),
          ...(await lastBatch('silver-to-gold')),
        },
        {
          stage: 'fast-agg',
          rows: counted,
          lag: Math.max(0, (logStatus?.appended ?? 0) - counted),
          partitionLag: partitionLag(countedTo),
          ...(await lastBatch('fast-agg')),
        },
      ];
      return { log: logStatus, stages, tables };
    },
  };
}

async function readLog(log: EventLog, topic: string): Promise<LogStatus | undefined> {
  const info = await log.topic(topic).catch((error: { kind?: string }) => {
    if (error.kind === 'not-found') return undefined;
    throw error;
  });
  if (!info) return undefined;
  const { partitions } = info;
  const appended = partitions.reduce((total, { endOffset }) => total + endOffset, 0);
  const removed = partitions.reduce((total, { startOffset }) => total + startOffset, 0);
  return { topic, appended, kept: appended - removed, partitions };
}

/** Offsets begin at 0 in each partition, so the positions' sum is the number of records passed. */
function sum(positions: readonly number[]): number {
  return positions.reduce((total, position) => total + position, 0);
}

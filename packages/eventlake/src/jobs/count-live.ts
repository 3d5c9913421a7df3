import type { EngineSession } from '../engine/engine.js';
import type { OffsetRange } from '../log/event-log.js';
import type { PipelineDefinition } from '../schema/definition.js';
import {
  canBeLate,
  highestAfter,
  type LiveBounds,
  type LiveIncrement,
  liveBoundsSql,
  liveEventsSql,
  liveIncrementsSql,
} from '../schema/sql.js';
import { bronzeTables } from '../schema/tables.js';
import { checkedSql } from '../schema/validation.js';
import type { JobContext } from './job.js';
import { type LandedLife, withinLife } from './landed.js';

/** The records that a batch counts. What bronze has comes before what the log has, of each partition. */
export interface LiveSource {
  /** Per partition, the highest valid event time before them, microseconds since 1970; null: none yet. */
  highestEventUs: readonly (number | null)[];
  inBronze: readonly OffsetRange[];
  /** Whose rows in bronze those are. */
  life: LandedLife | undefined;
  inLog: readonly OffsetRange[];
}

export interface LiveCounts {
  records: number;
  increments: LiveIncrement[];
  /** As `highestEventUs`, after them. */
  highest: readonly (number | null)[];
  /** Of an average record, where the log had any. */
  recordBytes?: number;
}

/** Counts the valid events of each minute, and apart from them those that are late. Changes nothing. */
export async function countLive(
  { pipeline, engine }: Pick<JobContext, 'pipeline' | 'engine'>,
  { highestEventUs, inBronze, life, inLog }: LiveSource,
): Promise<LiveCounts> {
  const total: LiveCounts = { records: 0, increments: [], highest: highestEventUs };
  const add = async (read: (session: EngineSession) => Promise<number>) => {
    const session = await engine.open();
    try {
      total.records += await read(session);
      const { increments, highest } = await countRecords(session, pipeline, total.highest);
      total.increments.push(...increments);
      total.highest = highest;
    } finally {
      await session.close();
    }
  };
  if (life && inBronze.length > 0) {
    await add(async (session) => {
      const where = withinLife(life, inBronze);
      await session.readTable('records', bronzeTables(pipeline.event).events.name, { where });
      const [row] = await session.query<{ n: number }>('SELECT count(*) AS n FROM records');
      return row!.n;
    });
  }
  if (inLog.length > 0) {
    await add(async (session) => {
      const { records, bytes } = await session.readLog('records', pipeline.event, inLog);
      if (records > 0) total.recordBytes = Math.max(1, bytes / records);
      return records;
    });
  }
  return total;
}

async function countRecords(
  session: EngineSession,
  pipeline: PipelineDefinition,
  highestEventUs: readonly (number | null)[],
): Promise<Pick<LiveCounts, 'increments' | 'highest'>> {
  await session.define('checked', checkedSql(pipeline, 'records', ['log_partition', 'log_offset']));
  await session.define('live_events', liveEventsSql(pipeline, 'checked'), { materialize: true });
  const bounds = await session.query<LiveBounds>(liveBoundsSql('live_events'));
  const before = new Map(highestEventUs.flatMap((us, partition) => (us === null ? [] : [[partition, us]])));
  const late = canBeLate(pipeline, before, bounds);
  const increments = await session.query<LiveIncrement>(
    liveIncrementsSql(pipeline, 'live_events', before, late),
  );
  const after = highestAfter(before, bounds);
  return {
    increments,
    highest: highestEventUs.map((_, partition) => after.get(partition) ?? null),
  };
}

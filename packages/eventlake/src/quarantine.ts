import type { Predicate } from '@eventlake/delta';
import { openPlanStore } from './batch/plan-store.js';
import type { EngineSession } from './engine/engine.js';
import { EventlakeError } from './errors.js';
import type { JobContext } from './jobs/job.js';
import { type LandedLife, landedLives } from './jobs/landed.js';
import type { LandingInput } from './jobs/raw-landing.js';
import type { RecordBatch } from './log/event-log.js';
import { bronzeTables, silverTables } from './schema/tables.js';

/** What was set aside: by raw-landing (bronze) because it is no JSON object, by bronze-to-silver because it is not valid. */
export type QuarantineStage = 'bronze' | 'silver';

export interface ReasonCount {
  stage: QuarantineStage;
  reason: string;
  records: number;
  /** ISO 8601, when the log took them. */
  oldest: string;
  newest: string;
}

export interface QuarantinedRecord {
  stage: QuarantineStage;
  partition: number;
  offset: number;
  reason: string;
  /** ISO 8601, when the log took it. */
  arrived: string;
  /** Of its redrive, in the log. */
  sourceId: string;
  /** As it came; for silver where the log has forgotten it, written anew from its fields. Undefined: a tombstone. */
  value: Uint8Array | undefined;
  isRedriven: boolean;
}

export interface QuarantineFilter {
  stage?: QuarantineStage;
  reason?: string;
  /** A place in the log: in quarantine it is at most once, but for a topic that was made anew, or cut off. */
  position?: { partition: number; offset: number };
}

type Sources = Pick<JobContext, 'pipeline' | 'log' | 'engine' | 'store'>;

/** How many records were set aside for which reason, most first. */
export async function quarantineReasons(
  sources: Sources,
  filter: QuarantineFilter = {},
): Promise<ReasonCount[]> {
  const counts: ReasonCount[] = [];
  await eachStage(sources, filter, async (stage, session) => {
    const rows = await session.query<Omit<ReasonCount, 'stage'>>(
      `SELECT reason, count(*) AS records, min(log_timestamp) AS oldest, max(log_timestamp) AS newest
       FROM quarantined GROUP BY reason`,
    );
    counts.push(...rows.map((row) => ({ stage, ...row })));
  });
  return counts.sort((a, b) => b.records - a.records);
}

/** The records themselves, newest first, at most `limit` a stage, after the newest `skip`. */
export async function quarantinedRecords(
  sources: Sources,
  filter: QuarantineFilter,
  limit: number,
  skip = 0,
): Promise<QuarantinedRecord[]> {
  const records: QuarantinedRecord[] = [];
  await eachStage(sources, filter, async (stage, session) => {
    const value = stage === 'bronze' ? 'hex(raw) AS raw_hex' : columnsOf(sources).join(', ');
    const rows = await session.query<Row>(
      `SELECT log_batch, log_partition, log_offset, log_timestamp, reason, ${value}
       FROM quarantined ORDER BY log_timestamp DESC, log_partition, log_offset DESC LIMIT ${limit} OFFSET ${skip}`,
    );
    const lives = rows.length > 0 ? await livesOf(sources) : [];
    for (const row of rows) records.push(await toRecord(sources, stage, row, lives));
  });
  return records.sort((a, b) => (a.arrived < b.arrived ? 1 : -1));
}

/**
 * Appends the record to the log again, as it was or as `value`. The record's place is the source of the append, so that
 * it lands once, whatever is repeated or killed in between.
 */
export async function redrive(
  { log, pipeline }: Sources,
  record: QuarantinedRecord,
  value: Uint8Array | undefined = record.value,
): Promise<'appended' | 'already-redriven'> {
  const { topic, key } = pipeline.event;
  if (!value) {
    throw new EventlakeError(
      'invalid',
      'This record has no value (a tombstone): there is nothing to redrive',
      { topic, partition: record.partition, offset: record.offset },
      'Give it one with --file.',
    );
  }
  const origin = `${topic}/${record.partition}/${record.offset}`;
  const batch: RecordBatch = {
    count: 1,
    values: value,
    bounds: new Uint32Array([0, value.byteLength]),
    keys: [keyOf(value, key)],
    headers: new Map([[0, { 'eventlake-redriven-from': origin, 'eventlake-reason': record.reason }]]),
  };
  const source = { id: record.sourceId, from: undefined, to: 1 };
  const { status } = await log.append(topic, batch, { source });
  return status === 'appended' ? 'appended' : 'already-redriven';
}

/** A record's JSON with other values for some of its fields. @throws EventlakeError `invalid` where it is no object. */
export function withFields(value: Uint8Array, fields: Readonly<Record<string, unknown>>): Uint8Array {
  const parsed = parseObject(value);
  if (!parsed) {
    throw new EventlakeError(
      'invalid',
      'This record is no JSON object, so that it has no fields to set',
      {},
      'Give the whole record with --file.',
    );
  }
  return Buffer.from(JSON.stringify({ ...parsed, ...fields }));
}

interface Row {
  log_batch: number;
  log_partition: number;
  log_offset: number;
  log_timestamp: string;
  reason: string;
  raw_hex?: string | null;
  rescued?: string | null;
  [field: string]: unknown;
}

async function eachStage(
  { engine, pipeline }: Sources,
  filter: QuarantineFilter,
  read: (stage: QuarantineStage, session: EngineSession) => Promise<void>,
): Promise<void> {
  const tables = {
    bronze: bronzeTables(pipeline.event).quarantine,
    silver: silverTables(pipeline.event).quarantine,
  };
  for (const stage of ['bronze', 'silver'] as const) {
    if (filter.stage && filter.stage !== stage) continue;
    const session = await engine.open();
    try {
      const where = predicateOf(filter);
      if (await reads(session, tables[stage].name, where)) await read(stage, session);
    } finally {
      await session.close();
    }
  }
}

/** False where the table is not there yet. */
async function reads(session: EngineSession, table: string, where: Predicate | undefined): Promise<boolean> {
  try {
    await session.readTable('quarantined', table, where ? { where } : {});
    return true;
  } catch (error) {
    const { kind } = error as { kind?: string };
    if (kind === 'not-a-table' || kind === 'not-found') return false;
    throw error;
  }
}

function predicateOf({ reason, position }: QuarantineFilter): Predicate | undefined {
  const parts: Predicate[] = [];
  if (reason !== undefined) parts.push({ column: 'reason', op: '=', value: reason });
  if (position) {
    parts.push({ column: 'log_partition', op: '=', value: position.partition });
    parts.push({ column: 'log_offset', op: '=', value: position.offset });
  }
  return parts.length > 0 ? { and: parts } : undefined;
}

async function toRecord(
  sources: Sources,
  stage: QuarantineStage,
  row: Row,
  lives: readonly LandedLife[],
): Promise<QuarantinedRecord> {
  const place = { partition: row.log_partition, offset: row.log_offset };
  const value =
    stage === 'bronze'
      ? fromHex(row.raw_hex)
      : ((await fromLog(sources, place, row.log_timestamp)) ?? fromColumns(sources, row));
  const sourceId = sourceIdOf(row, lives);
  const position = await sources.log.sourcePosition(sources.pipeline.event.topic, sourceId);
  return {
    stage,
    ...place,
    reason: row.reason,
    arrived: row.log_timestamp,
    sourceId,
    value,
    isRedriven: position !== undefined,
  };
}

/** Up to the newest plan, since the quarantine is committed before the batch has landed. */
async function livesOf({ pipeline, store }: Sources): Promise<LandedLife[]> {
  const plan = await openPlanStore<LandingInput>(store, 'raw-landing', pipeline.event.topic).newest();
  return plan ? landedLives(plan) : [];
}

/** The record's place, and how many records had had it before, in a topic that was made anew or cut off since. */
function sourceIdOf({ log_batch, log_partition, log_offset }: Row, lives: readonly LandedLife[]): string {
  const had = lives.filter(
    ({ toBatch, passed }) =>
      toBatch < log_batch &&
      passed.some(
        ({ partition, from, to }) => partition === log_partition && from <= log_offset && log_offset < to,
      ),
  );
  const place = `redrive/${log_partition}/${log_offset}`;
  return had.length === 0 ? place : `${place}/${had.length}`;
}

function columnsOf({ pipeline }: Sources): string[] {
  return [...Object.keys(pipeline.event.fields), 'rescued'];
}

function fromHex(hex: string | null | undefined): Uint8Array | undefined {
  return typeof hex === 'string' ? Buffer.from(hex, 'hex') : undefined;
}

/**
 * The record's own bytes, as long as retention has kept them. In a topic that was made anew, or restored from an older
 * copy, another record has its place: of another time.
 */
async function fromLog(
  { log, pipeline }: Sources,
  { partition, offset }: { partition: number; offset: number },
  arrived: string,
): Promise<Uint8Array | undefined> {
  try {
    for await (const block of log.read(pipeline.event.topic, { partition, from: offset, to: offset + 1 })) {
      const index = block.offsets.indexOf(offset);
      if (index >= 0 && block.timestampsMs[index] === Date.parse(arrived))
        return block.values.slice(block.bounds[index], block.bounds[index + 1]);
    }
  } catch (error) {
    if (!(error instanceof EventlakeError) || error.kind !== 'data-loss') throw error;
  }
  return undefined;
}

function fromColumns(sources: Sources, row: Row): Uint8Array {
  const fields = Object.keys(sources.pipeline.event.fields).filter((name) => row[name] !== null);
  const rescued = row.rescued ? (JSON.parse(row.rescued) as object) : {};
  return Buffer.from(
    JSON.stringify({ ...Object.fromEntries(fields.map((name) => [name, row[name]])), ...rescued }),
  );
}

function keyOf(value: Uint8Array, field: string): string | null {
  const key = parseObject(value)?.[field];
  return typeof key === 'string' ? key : null;
}

function parseObject(value: Uint8Array): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(value).toString('utf8'));
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

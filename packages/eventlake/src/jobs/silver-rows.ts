import type { EngineSession } from '../engine/engine.js';
import type { PipelineDefinition } from '../schema/definition.js';
import { timestampLiteral } from '../schema/macros.js';
import { duplicateRowsSql, duplicatesSql, firstRowsSql, repeatedRowsSql } from '../schema/sql.js';
import { silverTables } from '../schema/tables.js';
import { checkedSql, rejectedSql, typedIdsSql, validSql } from '../schema/validation.js';

/** The queries whose rows silver's three tables get: together each row of bronze exactly once. */
export interface SilverRows {
  events: string;
  duplicates: string;
  quarantine: string;
}

/** Where a record landed: unique, and the order that decides which of two events with one id was first. */
export const PLACE = ['log_batch', 'log_partition', 'log_offset'] as const;

/**
 * Silver's rows from the relation `bronze`, held in memory once checked: for a bounded number of rows.
 * @param defineKnown Names as `known` the ids among the relation `valid` that silver has already.
 */
export async function bufferedSilverRows(
  session: EngineSession,
  pipeline: PipelineDefinition,
  plannedAt: string,
  defineKnown: () => Promise<void>,
): Promise<SilverRows> {
  const { event } = pipeline;
  const typed = [...Object.keys(event.fields), ...PLACE].join(', ');
  const checked = checkedSql(pipeline, 'bronze', PLACE);
  await session.define('checked', `SELECT ${typed}, reject_reason FROM (${checked}) AS checked`, {
    materialize: true,
  });
  await session.define('valid', `SELECT ${typed} FROM checked WHERE reject_reason IS NULL`);
  await defineKnown();
  await session.define('repeats', duplicatesSql(event, 'valid', 'known'), { materialize: true });
  const reasons = `SELECT ${PLACE.join(', ')}, reject_reason FROM checked WHERE reject_reason IS NOT NULL`;
  await session.define(
    'rejected',
    `SELECT bronze.*, reasons.reject_reason AS reason FROM bronze JOIN (${reasons}) AS reasons ON ${samePlace('bronze', 'reasons')}`,
  );
  return inTableOrder(pipeline, plannedAt, {
    events: firstRowsSql('valid', 'repeats'),
    duplicates: duplicateRowsSql('valid', 'repeats'),
    quarantine: 'SELECT * FROM rejected',
  });
}

/**
 * The same from however many rows: they stream through, and what is remembered of each is a hash. Only rows whose hash occurs
 * twice, or is that of an id that is known, are compared by their ids.
 * @param defineKnown Names as `known` the ids among the relation `candidates` that silver has already; left out, there are none.
 */
export async function streamedSilverRows(
  session: EngineSession,
  pipeline: PipelineDefinition,
  plannedAt: string,
  defineKnown?: () => Promise<void>,
): Promise<SilverRows> {
  const { event } = pipeline;
  await session.define('candidates', typedIdsSql(pipeline, 'bronze'));
  if (defineKnown) await defineKnown();
  else await session.define('known', `SELECT ${event.id} FROM candidates WHERE FALSE`);
  const hash = await defineIdHash(session, pipeline);
  await session.define(
    'suspect_hashes',
    `SELECT id_hash FROM (SELECT ${hash} AS id_hash FROM hashed) AS hashes GROUP BY id_hash HAVING count(*) > 1
UNION ALL SELECT ${hash} AS id_hash FROM known`,
    { materialize: true },
  );
  await session.define(
    'suspects',
    `SELECT * FROM hashed WHERE ${hash} IN (SELECT id_hash FROM suspect_hashes)`,
  );
  await session.define('suspect_events', validSql(pipeline, 'suspects', PLACE));
  await session.define('repeats', repeatedRowsSql(event, 'suspect_events', 'known'), { materialize: true });
  await session.define('valid', validSql(pipeline, 'bronze', PLACE));
  return inTableOrder(pipeline, plannedAt, {
    events: firstRowsSql('valid', 'repeats'),
    duplicates: 'SELECT * FROM repeats',
    quarantine: rejectedSql(pipeline, 'bronze', bronzeOnly(pipeline)),
  });
}

/** The hash of an event's id, as SQL over typed rows. */
export function idHashSql({ event }: PipelineDefinition): string {
  return `id_hash(CAST(${event.id} AS STRING))`;
}

/**
 * Names as `hashed` what of bronze can be in silver, and gives a hash that equal ids share. Texts need not be checked for
 * that; '-0' and '0' are one number, though, so numbers are.
 */
async function defineIdHash(session: EngineSession, pipeline: PipelineDefinition): Promise<string> {
  const { fields, id } = pipeline.event;
  const isText = ['uuid', 'text', 'oneOf'].includes(fields[id]!.kind);
  await session.define('hashed', `SELECT * FROM bronze WHERE ${id} IS NOT NULL`);
  return isText ? `id_hash(lower(${id}))` : `id_hash(CAST(TRY_CAST(${id} AS BIGINT) AS STRING))`;
}

function inTableOrder(pipeline: PipelineDefinition, plannedAt: string, rows: SilverRows): SilverRows {
  const tables = silverTables(pipeline.event);
  const processed = timestampLiteral(plannedAt);
  const select = (key: keyof SilverRows) => {
    const columns = tables[key].columns.map(({ name }) =>
      name === 'processed_timestamp' ? `${processed} AS ${name}` : name,
    );
    return `SELECT ${columns.join(', ')} FROM (${rows[key]}) AS ${key}_rows`;
  };
  return { events: select('events'), duplicates: select('duplicates'), quarantine: select('quarantine') };
}

/** Bronze's columns beside the event's fields. */
function bronzeOnly({ event }: PipelineDefinition): string[] {
  const added = ['reason', 'processed_timestamp'];
  return silverTables(event)
    .quarantine.columns.map(({ name }) => name)
    .filter((name) => !(name in event.fields) && !added.includes(name));
}

function samePlace(left: string, right: string): string {
  return PLACE.map((name) => `${left}.${name} = ${right}.${name}`).join(' AND ');
}

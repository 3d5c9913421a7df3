import type { OffsetRange } from '../../log/event-log.js';
import type { EventDefinition } from '../../schema/definition.js';
import { parseRecord } from '../strict-json.js';
import { encodeRows, type ParsedRows, rowsOf } from './arrow.js';
import type { Relation } from './connect/session.js';
import { flatRecordsSql } from './flat-json.js';
import { emptyRelation, localRelation, selectRelation, sqlRelation, unionRelation } from './relations.js';
import { quoteName } from './sql-text.js';

/** What reading the log needs of a session. */
export interface LogReader {
  /** The records of these ranges, with Spark's column names for Kafka's. */
  records(topic: string, ranges: readonly OffsetRange[]): Relation;
  /** Names a relation. */
  view(name: string, relation: Relation): Promise<void>;
  /** Computes a relation once. */
  computed(relation: Relation): Promise<Relation>;
  /** Its rows, block by block. */
  rows(relation: Relation): AsyncIterable<Uint8Array>;
}

/** Parsed records are sent in messages of about this size; the server takes 128 MiB. */
const MESSAGE_BYTES = 16 * 1024 * 1024;
const PLACE = ['log_partition', 'log_offset', 'log_timestamp'] as const;

interface Unproven {
  log_partition: number;
  log_offset: number | bigint;
  log_us: number | bigint;
  value: Uint8Array | null;
}

/**
 * Names the records of these ranges as `relation`: see `EngineSession.readLog`. Spark reads the log once and parses what it
 * can prove to be right about; the few others come home, are parsed here, and go back.
 */
export async function readLog(
  reader: LogReader,
  relation: string,
  event: EventDefinition,
  ranges: readonly OffsetRange[],
): Promise<{ records: number; bytes: number }> {
  const names = Object.keys(event.fields);
  const wanted = ranges.filter(({ from, to }) => from < to);
  if (wanted.length === 0) {
    await reader.view(relation, noRecords(names));
    return { records: 0, bytes: 0 };
  }
  const [source, checked] = [`${relation}_records`, `${relation}_checked`];
  await reader.view(`${relation}_source`, reader.records(event.topic, wanted));
  await reader.view(
    source,
    sqlRelation(
      `SELECT partition AS log_partition, offset AS log_offset, timestamp AS log_timestamp, value FROM ${quoteName(`${relation}_source`)}`,
    ),
  );
  const parsed = await reader.computed(sqlRelation(flatRecordsSql(quoteName(source), names, PLACE)));
  await reader.view(checked, parsed);
  const counts = await countOf(reader, checked);
  const fields = names.map(quoteName).join(', ');
  const proven = sqlRelation(
    `SELECT ${PLACE.join(', ')}, CAST(NULL AS BINARY) AS raw, CAST(NULL AS STRING) AS parse_error, ${fields}, rescued
FROM ${quoteName(checked)} WHERE _proven`,
  );
  const others = counts.unproven === 0 ? [] : await parsedHere(reader, checked, names);
  await reader.view(relation, others.reduce(unionRelation, proven));
  return { records: counts.records, bytes: counts.bytes };
}

async function countOf(reader: LogReader, checked: string) {
  const sql = `SELECT count(*) AS records, CAST(coalesce(sum(_bytes), 0) AS BIGINT) AS bytes,
  count(CASE WHEN NOT _proven THEN 1 END) AS unproven FROM ${quoteName(checked)}`;
  for await (const block of reader.rows(sqlRelation(sql))) {
    const [row] = rowsOf(block) as { records: number; bytes: number; unproven: number }[];
    if (row) return row;
  }
  return { records: 0, bytes: 0, unproven: 0 };
}

async function parsedHere(reader: LogReader, checked: string, names: readonly string[]): Promise<Relation[]> {
  const sql = `SELECT log_partition, log_offset, unix_micros(log_timestamp) AS log_us, _value AS value
FROM ${quoteName(checked)} WHERE NOT _proven`;
  const relations: Relation[] = [];
  let rows = noRows(names);
  let bytes = 0;
  const send = async () => {
    relations.push(await reader.computed(parsedRelation(encodeRows(rows), names)));
    rows = noRows(names);
    bytes = 0;
  };
  for await (const block of reader.rows(sqlRelation(sql))) {
    for (const row of rowsOf(block) as unknown as Unproven[]) {
      add(rows, row, names);
      bytes += 2 * (row.value?.byteLength ?? 0) + ROW_BYTES;
      if (bytes >= MESSAGE_BYTES) await send();
    }
  }
  if (rows.log_partition.length > 0) await send();
  return relations;
}

/** What a row takes beside its record. */
const ROW_BYTES = 100;

function noRows(names: readonly string[]): ParsedRows {
  const texts = Object.fromEntries(names.map((name): [string, (string | null)[]] => [name, []]));
  return { log_partition: [], log_offset: [], log_us: [], raw: [], parse_error: [], ...texts, rescued: [] };
}

function add(
  rows: ParsedRows,
  { log_partition, log_offset, log_us, value }: Unproven,
  names: readonly string[],
): void {
  const record = parseRecord(value, names);
  const failed = 'parseError' in record;
  rows.log_partition.push(log_partition);
  rows.log_offset.push(BigInt(log_offset));
  rows.log_us.push(BigInt(log_us));
  rows.raw.push(failed ? value : null);
  const texts = (name: string) => rows[name] as (string | null)[];
  texts('parse_error').push(failed ? record.parseError : null);
  names.forEach((name, i) => {
    texts(name).push(failed ? null : record.fields[i]!);
  });
  texts('rescued').push(failed ? null : record.rescued);
}

/** In the order and the types of the relation. */
function parsedRelation(data: Uint8Array, names: readonly string[]): Relation {
  const fields = names.map((name) => `${quoteName(name)} STRING`).join(', ');
  const schema = `log_partition INT, log_offset BIGINT, log_us BIGINT, raw BINARY, parse_error STRING, ${fields}, rescued STRING`;
  const columns = [
    'log_partition',
    'log_offset',
    'timestamp_micros(log_us) AS log_timestamp',
    'raw',
    'parse_error',
  ];
  return selectRelation(localRelation(data, schema), [...columns, ...names.map(quoteName), 'rescued']);
}

function noRecords(names: readonly string[]): Relation {
  const fields = names.map((name) => `${quoteName(name)} STRING`).join(', ');
  return emptyRelation(
    `log_partition INT, log_offset BIGINT, log_timestamp TIMESTAMP, raw BINARY, parse_error STRING, ${fields}, rescued STRING`,
  );
}

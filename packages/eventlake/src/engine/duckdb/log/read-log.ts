import { rm } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { EventLog, OffsetRange, RecordBlock } from '../../../log/event-log.js';
import type { EventDefinition } from '../../../schema/definition.js';
import { parseRecord, parseText } from '../../strict-json.js';
import { LINE_SAMPLES, READ_BLOCK_BYTES, SPOOL_LINE_BYTES_MAX } from '../limits.js';
import { quoteName, quoteText } from '../sql-text.js';
import type { LineShapes } from './line-shapes.js';
import { ParsedRecords } from './parsed-records.js';
import { Spool } from './spool.js';

/** Whether a query was stopped because it met a line that could not be proven: see `LogRelation`. */
export function isUnproven(error: unknown): boolean {
  return error instanceof Error && [UNPROVEN, 'Malformed JSON'].some((text) => error.message.includes(text));
}

const UNPROVEN = 'eventlake: a record of no known shape';

/**
 * The records of ranges of the log as a relation: lines in a file, which DuckDB parses where it can prove that it is
 * right, and a table of the records that were parsed here.
 *
 * At first the relation trusts that every line can be proven, and a query that meets one that cannot is stopped by an
 * error. Then `resolve` finds all such lines and parses them here, and the query runs again. So a batch of clean records,
 * the usual one, is parsed once and never looked through beforehand.
 */
export class LogRelation {
  readonly #connection: DuckDBConnection;
  readonly #event: EventDefinition;
  readonly #names: string[];
  readonly #shapes: LineShapes;
  readonly #file: string;
  /** The table of what was parsed here. */
  readonly #table: string;
  #lines = 0;
  /** Fixed when it is loaded: what `resolve` leaves to DuckDB must be what the relation takes from it. */
  #provenSql = 'FALSE';
  #resolved = false;
  #unproven = 0;
  #hasParsed = false;

  /** @param id unique within the engine. */
  constructor(
    connection: DuckDBConnection,
    readonly relation: string,
    event: EventDefinition,
    shapes: LineShapes,
    tempDir: string,
    id: number,
  ) {
    this.#connection = connection;
    this.#event = event;
    this.#names = Object.keys(event.fields);
    this.#shapes = shapes;
    this.#file = `${tempDir}/log-${id}.lines`;
    this.#table = `parsed_log_${id}`;
  }

  async load(log: EventLog, ranges: readonly OffsetRange[]): Promise<{ records: number; bytes: number }> {
    const counts = await this.#spool(log, ranges);
    this.#provenSql = this.#shapes.provenSql('json', 'fields');
    this.#resolved = this.#lines === 0;
    if (!this.shouldResolve) await this.#define();
    return counts;
  }

  /**
   * Finds the lines that cannot be proven and parses them here.
   * @param reader a second connection, since this one cannot be read from and written to at once.
   */
  async resolve(reader: DuckDBConnection): Promise<boolean> {
    if (this.#resolved) return false;
    this.#unproven = await this.#parseUnproven(reader);
    this.#shapes.expectUnproven = this.#unproven > 0;
    this.#resolved = true;
    await this.#define();
    return true;
  }

  /** Whether `resolve` should come before the first query, because the last read of such records needed it. */
  get shouldResolve(): boolean {
    return !this.#resolved && this.#shapes.expectUnproven;
  }

  async close(): Promise<void> {
    await rm(this.#file, { force: true });
  }

  async #spool(log: EventLog, ranges: readonly OffsetRange[]): Promise<{ records: number; bytes: number }> {
    const spool = await Spool.create(this.#file);
    const parsed = new ParsedRecords(this.#connection, this.#table, this.#names);
    const counts = { records: 0, bytes: 0 };
    try {
      for (const range of ranges) {
        for await (const block of log.read(this.#event.topic, range, { blockBytesMax: READ_BLOCK_BYTES })) {
          this.#learn(block);
          for (const { offset, timestampMs, value } of await spool.add(block)) {
            const record = parseRecord(value, this.#names);
            await parsed.add(block.partition, BigInt(offset), BigInt(timestampMs), value, record);
          }
          counts.records += block.count;
          counts.bytes += block.bounds[block.count]! - block.bounds[0]!;
        }
      }
    } finally {
      await spool.close();
      this.#hasParsed = parsed.close();
    }
    this.#lines = spool.lines;
    return counts;
  }

  #learn(block: RecordBlock): void {
    const { values, bounds, count, nullValues } = block;
    const step = Math.ceil(count / LINE_SAMPLES);
    for (let i = 0; i < count; i += step) {
      const length = bounds[i + 1]! - bounds[i]!;
      if (length > SPOOL_LINE_BYTES_MAX || nullValues?.has(i)) continue;
      const text = Buffer.from(values.buffer, values.byteOffset + bounds[i]!, length).toString('utf8');
      this.#shapes.learn(text);
    }
  }

  async #parseUnproven(reader: DuckDBConnection): Promise<number> {
    const sql = `SELECT log_partition, log_offset, log_ms, json FROM (${this.#linesSql(true)}) AS lines
WHERE NOT coalesce(proven, FALSE)`;
    const result = await reader.stream(sql);
    const parsed = new ParsedRecords(this.#connection, this.#table, this.#names, this.#hasParsed);
    let unproven = 0;
    try {
      for await (const rows of result.yieldRows()) {
        for (const row of rows) {
          const [partition, offset, timestampMs, text] = row as [number, bigint, bigint, string];
          const record = parseText(text, this.#names);
          await parsed.add(partition, offset, timestampMs, Buffer.from(text), record);
        }
        unproven += rows.length;
      }
    } finally {
      this.#hasParsed = parsed.close();
    }
    return unproven;
  }

  /**
   * Each line: its place, its text, the struct `fields` of what DuckDB extracts, and whether that is `proven`.
   * @param checked no JSON at all is not proven, instead of stopping the query. (TRY would do it without a check, but
   * goes through two thousand lines one by one where one of them is bad.)
   */
  #linesSql(checked: boolean): string {
    const columns = `{'log_partition': 'INTEGER', 'log_offset': 'BIGINT', 'log_ms': 'BIGINT', 'json': 'VARCHAR'}`;
    const structure = JSON.stringify(Object.fromEntries(this.#names.map((name) => [name, 'VARCHAR'])));
    const json = checked ? 'CASE WHEN json_valid(json) THEN json END' : 'json';
    return `SELECT *, ${this.#provenSql} AS proven
FROM (
  SELECT *, json_transform(${json}, ${quoteText(structure)}) AS fields
  FROM read_csv(${quoteText(this.#file)}, columns = ${columns}, delim = '\x01', quote = '', escape = '',
    header = false, auto_detect = false, strict_mode = false, max_line_size = ${2 * SPOOL_LINE_BYTES_MAX})
) AS extracted`;
  }

  async #define(): Promise<void> {
    const branches = [
      ...(this.#lines > 0 || !this.#hasParsed ? [this.#provenLinesSql()] : []),
      ...(this.#hasParsed ? [this.#parsedSql()] : []),
    ];
    const sql = branches.join(' UNION ALL ');
    await this.#connection.run(`CREATE OR REPLACE TEMP VIEW ${quoteName(this.relation)} AS ${sql}`);
  }

  /** The lines: until it is resolved, one that is not proven stops the query; afterwards it is in the table. */
  #provenLinesSql(): string {
    const ifProven = (value: string) =>
      this.#resolved ? value : `CASE WHEN proven THEN ${value} ELSE error('${UNPROVEN}') END`;
    const fields = this.#names.map(quoteName).map((name) => `fields.${name} AS ${name}`);
    return `SELECT log_partition, log_offset, log_timestamp, raw, parse_error, ${fields.join(', ')}, rescued
FROM (
  SELECT ${placeSql}, ${ifProven('NULL')}::BLOB AS raw, ${ifProven('NULL')}::VARCHAR AS parse_error,
    ${ifProven('fields')} AS fields, ${ifProven('NULL')}::VARCHAR AS rescued
  FROM (${this.#linesSql(this.#unproven > 0)}) AS lines
  ${this.#unproven > 0 ? 'WHERE coalesce(proven, FALSE)' : ''}
) AS landed`;
  }

  #parsedSql(): string {
    const fields = this.#names.map(quoteName).join(', ');
    return `SELECT ${placeSql}, raw, parse_error, ${fields}, rescued FROM ${this.#table}`;
  }
}

const placeSql = 'log_partition, log_offset, make_timestamptz(log_ms * 1000) AS log_timestamp';

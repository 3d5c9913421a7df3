import type { DuckDBAppender, DuckDBConnection } from '@duckdb/node-api';
import type { ParsedRecord } from '../../strict-json.js';
import { quoteName } from '../sql-text.js';

/** Fills a temporary table with records that were parsed here. Made when the first one comes, since usually none does. */
export class ParsedRecords {
  readonly #connection: DuckDBConnection;
  readonly #table: string;
  readonly #names: readonly string[];
  #exists: boolean;
  #appender: DuckDBAppender | undefined;

  constructor(connection: DuckDBConnection, table: string, names: readonly string[], exists = false) {
    this.#connection = connection;
    this.#table = table;
    this.#names = names;
    this.#exists = exists;
  }

  async add(
    partition: number,
    offset: bigint,
    timestampMs: bigint,
    value: Uint8Array | null,
    record: ParsedRecord,
  ): Promise<void> {
    const appender = this.#appender ?? (await this.#open());
    appender.appendInteger(partition);
    appender.appendBigInt(offset);
    appender.appendBigInt(timestampMs);
    if ('parseError' in record) {
      if (value === null) appender.appendNull();
      else appender.appendBlob(value);
      appender.appendVarchar(record.parseError);
      for (let i = 0; i <= this.#names.length; i++) appender.appendNull();
    } else {
      appender.appendNull();
      appender.appendNull();
      for (const field of record.fields) appendText(appender, field);
      appendText(appender, record.rescued);
    }
    appender.endRow();
  }

  /** @returns whether there is a table. */
  close(): boolean {
    this.#appender?.closeSync();
    this.#appender = undefined;
    return this.#exists;
  }

  async #open(): Promise<DuckDBAppender> {
    if (!this.#exists) {
      const fields = this.#names.map((name) => `${quoteName(name)} VARCHAR`).join(', ');
      await this.#connection.run(
        `CREATE TEMP TABLE ${this.#table} (log_partition INTEGER, log_offset BIGINT, log_ms BIGINT, raw BLOB,
        parse_error VARCHAR, ${fields}, rescued VARCHAR)`,
      );
      this.#exists = true;
    }
    this.#appender = await this.#connection.createAppender(this.#table);
    return this.#appender;
  }
}

function appendText(appender: DuckDBAppender, text: string | null): void {
  if (text === null) appender.appendNull();
  else appender.appendVarchar(text);
}

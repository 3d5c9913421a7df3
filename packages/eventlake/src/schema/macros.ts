import { EventlakeError } from '../errors.js';

/**
 * The SQL of this project is written once, in the subset that DuckDB and Spark 4.2 both run, with Spark's function
 * names. These statements give DuckDB the names that it lacks; run them, and `SET GLOBAL TimeZone = 'UTC'`, once a database.
 * Timestamps are TIMESTAMP WITH TIME ZONE in DuckDB and TIMESTAMP in Spark: never write either type in shared SQL.
 */
export const duckdbMacros: readonly string[] = [
  'CREATE OR REPLACE MACRO regexp_like(string, pattern) AS regexp_matches(string, pattern)',
  'CREATE OR REPLACE MACRO try_to_timestamp(string) AS TRY_CAST(string AS TIMESTAMP WITH TIME ZONE)',
  'CREATE OR REPLACE MACRO unix_micros(moment) AS epoch_us(moment)',
  'CREATE OR REPLACE MACRO timestamp_micros(micros) AS make_timestamptz(micros)',
  // A good hash of 63 bits, at least 0; the same only within one engine and version. Spark: shiftrightunsigned(xxhash64(text), 1).
  'CREATE OR REPLACE MACRO id_hash(text) AS CAST(hash(text) >> 1 AS BIGINT)',
];

/** A text literal. Some texts have none that all engines read alike: a backslash is an escape in Spark alone. */
export function textLiteral(value: string): string {
  if (!isPortableText(value)) {
    throw new EventlakeError('invalid', `${JSON.stringify(value)} cannot be written in every engine's SQL.`);
  }
  return `'${value.replaceAll("'", "''")}'`;
}

export function isPortableText(value: string): boolean {
  return !/[\\\p{Cc}\p{Cs}]/u.test(value);
}

/** A point in time as a literal; `iso` is ISO 8601 with an offset, to the millisecond. */
export function timestampLiteral(iso: string): string {
  const ms = Date.parse(iso);
  if (Number.isNaN(ms)) throw new EventlakeError('internal', `Not a timestamp: ${iso}`);
  return `timestamp_micros(${ms * 1000})`;
}

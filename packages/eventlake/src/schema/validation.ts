import type { FieldDefinition, PipelineDefinition } from './definition.js';
import { textLiteral } from './macros.js';

/**
 * The one place that decides which event is valid: bronze-to-silver, fast-agg and verify all run this SQL.
 *
 * `relation` has the event's fields as STRING and `log_timestamp` (a bronze table, or the records of the log). The query
 * gives one row for each of its rows:
 * - the columns named in `keep`, as they are;
 * - each field typed, under its name (meaningful only where the row is valid);
 * - each field as it came, as `raw_<field>`;
 * - `reject_reason` STRING: null where the event is valid, else the first rule that it breaks, in the order of the
 *   fields: `user_id: not a 32-bit integer`.
 *
 * A regular expression decides before the cast, so that no engine's leniency does (' 5 ', '1e3', '2026', '12:00:00').
 */
export function checkedSql(pipeline: PipelineDefinition, relation: string, keep: readonly string[]): string {
  const { event } = pipeline;
  const names = Object.keys(event.fields);
  const outer = [
    ...keep.map((name) => `attempt.${name}`),
    ...names.map((name) => `attempt.typed_${name} AS ${name}`),
    ...names.map((name) => `attempt.raw_${name}`),
    `${rejectReasonSql(pipeline)} AS reject_reason`,
  ];
  const inner = [
    ...new Set([...keep, 'log_timestamp']),
    ...names.map((name) => `${name} AS raw_${name}`),
    ...names.map((name) => `${typedSql(name, event.fields[name]!)} AS typed_${name}`),
  ];
  return `SELECT ${outer.join(',\n  ')}\nFROM (SELECT ${inner.join(',\n  ')}\nFROM ${relation}) AS attempt`;
}

/** The valid rows: `keep` and the typed fields. */
export function validSql(pipeline: PipelineDefinition, relation: string, keep: readonly string[]): string {
  const columns = [...Object.keys(pipeline.event.fields), ...keep].join(', ');
  return `SELECT ${columns}\nFROM (${checkedSql(pipeline, relation, keep)}) AS checked\nWHERE reject_reason IS NULL`;
}

/** The rejected rows: the fields as they came, `keep`, and the `reason`. */
export function rejectedSql(pipeline: PipelineDefinition, relation: string, keep: readonly string[]): string {
  const columns = [
    ...Object.keys(pipeline.event.fields).map((name) => `raw_${name} AS ${name}`),
    ...keep,
    'reject_reason AS reason',
  ].join(', ');
  return `SELECT ${columns}\nFROM (${checkedSql(pipeline, relation, keep)}) AS checked\nWHERE reject_reason IS NOT NULL`;
}

/** The events' ids, typed, of all rows whose id is valid, be the rest of them so or not: the cheapest part of the check. */
export function typedIdsSql({ event }: PipelineDefinition, relation: string): string {
  const { id, fields } = event;
  return `SELECT ${id} FROM (SELECT ${typedSql(id, fields[id]!)} AS ${id} FROM ${relation}) AS ids WHERE ${id} IS NOT NULL`;
}

/** The typed value, or null where the text breaks the field's rule. */
function typedSql(name: string, field: FieldDefinition): string {
  const when = (valid: string, value: string) => `CASE WHEN ${valid} THEN ${value} END`;
  switch (field.kind) {
    case 'text':
      return name;
    case 'uuid':
      return when(matches(name, uuidPattern), `lower(${name})`);
    case 'oneOf':
      return when(oneOfSql(name, field.values ?? []), name);
    case 'boolean':
      return when(`${name} IN ('true', 'false')`, `${name} = 'true'`);
    case 'integer':
      return when(matches(name, '-?(0|[1-9][0-9]{0,9})'), `TRY_CAST(${name} AS INT)`);
    case 'long':
      return when(matches(name, '-?(0|[1-9][0-9]{0,18})'), `TRY_CAST(${name} AS BIGINT)`);
    case 'double':
      return when(
        `${matches(name, doublePattern)} AND abs(TRY_CAST(${name} AS DOUBLE)) <= 1.7976931348623157E308`,
        `TRY_CAST(${name} AS DOUBLE)`,
      );
    case 'timestamp':
      return when(matches(name, timestampPattern), `try_to_timestamp(${name})`);
  }
}

function rejectReasonSql({ event, futureToleranceMs }: PipelineDefinition): string {
  const rules = Object.entries(event.fields).flatMap(([name, field]) => {
    const reject = (broken: string, what: string) => `WHEN ${broken} THEN ${textLiteral(`${name}: ${what}`)}`;
    const typed = `attempt.typed_${name}`;
    const raw = `attempt.raw_${name}`;
    return [
      ...(field.required ? [reject(`${raw} IS NULL`, 'missing')] : []),
      ...(field.kind === 'text' ? [] : [reject(`${raw} IS NOT NULL AND ${typed} IS NULL`, notA[field.kind])]),
      ...(name === event.time
        ? [
            reject(`unix_micros(${typed}) < 0`, 'before 1970'),
            reject(
              `unix_micros(${typed}) > unix_micros(attempt.log_timestamp) + ${futureToleranceMs * 1000}`,
              'future',
            ),
          ]
        : []),
    ];
  });
  return rules.length === 0 ? 'CAST(NULL AS STRING)' : `CASE ${rules.join('\n  ')} END`;
}

const notA: Record<Exclude<FieldDefinition['kind'], 'text'>, string> = {
  uuid: 'not a UUID',
  oneOf: 'unknown',
  boolean: 'not a boolean',
  integer: 'not a 32-bit integer',
  long: 'not a 64-bit integer',
  double: 'not a finite number',
  timestamp: 'not an ISO 8601 timestamp with offset',
};

const uuidPattern = '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}';
const doublePattern = '-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?';
const timestampPattern = [
  '[0-9]{4}-[0-9]{2}-[0-9]{2}',
  'T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?',
  '(Z|[+-](0[0-9]|1[0-4]):?[0-5][0-9])',
].join('');

/**
 * The whole text matches. The end of the text is `\z`, since `$` also matches before a last line break in Java; and the
 * backslash is chr(92), since it is an escape in a literal of Spark and none in one of DuckDB.
 */
function matches(column: string, pattern: string): string {
  return `regexp_like(${column}, concat('^(', ${textLiteral(pattern)}, ')', chr(92), 'z'))`;
}

function oneOfSql(column: string, values: readonly string[]): string {
  return `${column} IN (${values.map(textLiteral).join(', ')})`;
}

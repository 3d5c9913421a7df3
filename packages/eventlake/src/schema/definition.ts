import type { RecordBatch } from '../log/event-log.js';
import type { DashboardDefinition } from './dashboards/definition.js';

/** The types that a field or column can have, in Delta's names. Each has one Delta, ClickHouse, Spark and TypeScript form. */
export type ColumnType =
  | 'string'
  | 'integer'
  | 'long'
  | 'double'
  | 'boolean'
  | 'date'
  | 'timestamp'
  | 'binary';

/** A field of an event and the rule of what is valid. Built by `uuid()`, `text()`, `integer()`, `oneOf()`, `timestamp()` … */
export interface FieldDefinition<T = unknown> {
  readonly kind: 'uuid' | 'text' | 'integer' | 'long' | 'double' | 'boolean' | 'oneOf' | 'timestamp';
  /** A null or missing required field makes the event invalid. */
  readonly required: boolean;
  readonly values?: readonly string[];
  /** The TypeScript type of a valid value, null included where the field is optional; never set. */
  readonly _type?: T;
}

export type FieldDefinitions = Readonly<Record<string, FieldDefinition>>;

/** What events of one kind look like, where they travel, and which of them are valid. Made by `defineEvent`. */
export interface EventDefinition<Fields extends FieldDefinitions = FieldDefinitions> {
  /** Table name: `user_events`. */
  readonly name: string;
  /** Log topic: `user-events`. */
  readonly topic: string;
  /** In the order of the tables' columns. */
  readonly fields: Fields;
  /** The field that tells one event from another. */
  readonly id: string;
  /** The event-time field. */
  readonly time: string;
  /** The field whose value is the record's key. */
  readonly key: string;
}

/** The TypeScript type of a valid event as it is sent: `EventOf<typeof userEvents>`. */
export type EventOf<Event extends EventDefinition> = Simplify<
  {
    [Name in keyof Event['fields'] as null extends TypeOf<Event, Name> ? never : Name]: TypeOf<Event, Name>;
  } & {
    [Name in keyof Event['fields'] as null extends TypeOf<Event, Name> ? Name : never]?: TypeOf<Event, Name>;
  }
>;

type TypeOf<Event extends EventDefinition, Name extends keyof Event['fields']> =
  Event['fields'][Name] extends FieldDefinition<infer T> ? T : never;

type Simplify<T> = { [K in keyof T]: T[K] };

export interface ColumnDefinition {
  name: string;
  type: ColumnType;
  nullable?: boolean;
}

/** A Delta table, named like its path with a dot: `gold.fact_events` lies in `gold/fact_events`. */
export interface TableDefinition {
  name: string;
  columns: readonly ColumnDefinition[];
  partitionBy?: readonly string[];
}

/** A ClickHouse table. */
export interface ServingTable {
  /** `realtime.events_per_minute`. */
  name: string;
  columns: readonly { name: string; type: string }[];
  /** The whole ENGINE clause without ORDER BY: `SummingMergeTree(event_count)`. */
  engine: string;
  orderBy: readonly string[];
  /** When a row may go: an expression over its columns. */
  ttl?: string;
  /** The SETTINGS clause of its CREATE TABLE. */
  settings?: Readonly<Record<string, number | string>>;
}

/**
 * A gold table and how it grows:
 * - `append`: `sql` maps the new silver rows (relation `events`) to rows to append;
 * - `set`: `sql` maps the new silver rows (relation `events`) to rows without nulls; those that are not there yet are added,
 *   once;
 * - `rollup`: `sql` aggregates the new silver rows (relation `events`), and what they add to sets (relation
 *   `new_page_visitors` …), into increments, whose sum over all batches is the truth; `fold` aggregates the increments
 *   (relation `increments`) into fewer that mean the same;
 * - `replace`: `sql` computes the whole table from rollups, and from tables that are replaced and declared before it, named
 *   by their last part (relation `user_sources` …).
 */
export interface GoldTable extends TableDefinition {
  grows: 'append' | 'set' | 'rollup' | 'replace';
  sql: string;
  fold?: string;
  /** The ClickHouse table that mirrors it, if any; it has the same columns and `updated_at`. */
  serve?: ServingTable;
  /**
   * What the table must add up to, for `verify` to check without reading history: the sum of column `sum` (the number of
   * rows, where not given) is the number of events whose field `present` is not null (of all events, where not given).
   */
  counts?: { sum?: string; present?: string };
  /**
   * Where a set's rows are counted, for `verify`: for each value of the columns `by` it has as many rows as column `sum` of
   * the rollup `table` adds up to.
   */
  countedIn?: { table: string; sum: string; by: readonly string[] };
}

/** One live table: a count of valid, on-time events a window and group. */
export interface LiveTable {
  /** `realtime.logins_per_source`. */
  name: string;
  /** Counted are events for which this holds, in SQL over the typed fields; all where not given. */
  where?: string;
  by: readonly string[];
  /** Name of the count column. */
  count: string;
}

export interface PipelineDefinition {
  event: EventDefinition;
  gold: readonly GoldTable[];
  live: {
    windowMs: number;
    watermarkDelayMs: number;
    tables: readonly LiveTable[];
    /** Counts the late events in the same way. */
    late: LiveTable;
  };
  /** An event this far ahead of its log timestamp is rejected as `future`. */
  futureToleranceMs: number;
  /** What people look at; the dashboard about the pipeline itself comes by itself. */
  dashboards?: readonly DashboardDefinition[];
  /** The simulated producer, if the pipeline brings one. */
  simulate?: (options: SimulateOptions) => Simulation;
}

export interface SimulateOptions {
  /** The same seed and start give the same events, byte by byte. */
  seed: number;
  /** Event time of the first event, milliseconds since 1970. */
  startMs: number;
  /** Users of the shop. */
  users: number;
  /** Shares of 0 to 1. */
  duplicates: number;
  malformed: number;
  late: number;
  outOfOrder: number;
}

export interface Simulation {
  /** The next `count` events, their event times advancing to `untilMs`. */
  next(count: number, untilMs: number): RecordBatch;
}

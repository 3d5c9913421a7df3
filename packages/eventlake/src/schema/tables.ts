import type {
  ColumnDefinition,
  EventDefinition,
  LiveTable,
  PipelineDefinition,
  ServingTable,
  TableDefinition,
} from './definition.js';
import { clickhouseType, fieldType } from './types.js';

/**
 * `bronze.<name>`: every record that is one JSON object, its fields as they came. The quarantine: every other record.
 * The gaps: offsets of which no row came, from `from_offset` to before `to_offset`; see `GapReason`.
 */
export function bronzeTables(event: EventDefinition): {
  events: TableDefinition;
  quarantine: TableDefinition;
  gaps: TableDefinition;
} {
  return {
    events: { name: `bronze.${event.name}`, columns: bronzeColumns(event) },
    quarantine: {
      name: `bronze.${event.name}_quarantine`,
      columns: [
        { name: 'raw', type: 'binary' },
        { name: 'reason', type: 'string' },
        { name: 'ingestion_timestamp', type: 'timestamp' },
        ...logPosition,
        { name: 'log_timestamp', type: 'timestamp' },
      ],
    },
    gaps: {
      name: `bronze.${event.name}_gaps`,
      columns: [
        { name: 'log_batch', type: 'long' },
        { name: 'log_partition', type: 'integer' },
        { name: 'from_offset', type: 'long' },
        { name: 'to_offset', type: 'long' },
        { name: 'records', type: 'long' },
        { name: 'reason', type: 'string' },
        { name: 'ingestion_timestamp', type: 'timestamp' },
      ],
    },
  };
}

/** Every bronze row is in exactly one of the three: valid and first, valid and repeated, or rejected. */
export function silverTables(event: EventDefinition): {
  events: TableDefinition;
  duplicates: TableDefinition;
  quarantine: TableDefinition;
} {
  const columns = silverColumns(event);
  return {
    events: { name: `silver.${event.name}`, columns },
    duplicates: { name: `silver.${event.name}_duplicates`, columns },
    quarantine: {
      name: `silver.${event.name}_quarantine`,
      columns: [
        ...bronzeColumns(event),
        { name: 'reason', type: 'string' },
        { name: 'processed_timestamp', type: 'timestamp' },
      ],
    },
  };
}

/** Every Delta table of the pipeline, in the order in which data reaches them. */
export function deltaTables(pipeline: PipelineDefinition): TableDefinition[] {
  return [
    ...Object.values(bronzeTables(pipeline.event)),
    ...Object.values(silverTables(pipeline.event)),
    ...pipeline.gold,
  ];
}

/** The typed columns of an event, as silver has them. */
function typedColumns(event: EventDefinition): ColumnDefinition[] {
  return Object.entries(event.fields).map(([name, field]) => ({ name, type: fieldType(field) }));
}

/**
 * The live tables, late events included. ClickHouse folds their increments while it merges parts, and a sum is exact
 * before and after. The settings make an insert durable when it is acknowledged, and remember its token.
 */
export function liveTables(pipeline: PipelineDefinition): ServingTable[] {
  return [...pipeline.live.tables, pipeline.live.late].map((table) => liveTable(pipeline.event, table));
}

/** The ClickHouse tables that mirror gold. */
export function servingTables(pipeline: PipelineDefinition): ServingTable[] {
  return pipeline.gold.flatMap((table) => table.serve ?? []);
}

/** A mirror of which the compiler knows name and columns. */
export interface MirrorTable<Name extends string, Column extends string> extends ServingTable {
  name: Name;
  columns: readonly { name: Column; type: string }[];
}

/** The ClickHouse mirror of a gold table: its columns and when they were published. */
export function mirror<const Name extends string, const Columns extends readonly ColumnDefinition[]>(
  name: Name,
  columns: Columns,
  orderBy: readonly Columns[number]['name'][],
): MirrorTable<Name, Columns[number]['name'] | 'updated_at'> {
  return {
    name,
    columns: [
      ...columns.map((column) => ({
        name: column.name as Columns[number]['name'],
        type: clickhouseType(column.type, column.nullable),
      })),
      { name: 'updated_at', type: "DateTime64(3, 'UTC')" },
    ],
    engine: 'ReplacingMergeTree(updated_at)',
    orderBy,
  };
}

/** Names that no field can have, because some table or relation has them beside the fields. */
export const bookkeepingColumns: readonly string[] = [
  'ingestion_timestamp',
  'processed_timestamp',
  'log_batch',
  'log_partition',
  'log_offset',
  'log_timestamp',
  'rescued',
  'raw',
  'reason',
  'parse_error',
  'reject_reason',
  'window_start',
  'window_end',
  'event_date',
  'updated_at',
  // Inside the queries for live tables.
  'live_table',
  'event_us',
  'window_us',
  'highest_us',
  'is_late',
  'cell_count',
];

/** Where a record lies: the batch that landed it, and its place in the log. */
const logPosition: readonly ColumnDefinition[] = [
  { name: 'log_batch', type: 'long' },
  { name: 'log_partition', type: 'integer' },
  { name: 'log_offset', type: 'long' },
];

function bronzeColumns(event: EventDefinition): ColumnDefinition[] {
  return [
    ...Object.keys(event.fields).map((name) => ({ name, type: 'string' }) as const),
    { name: 'ingestion_timestamp', type: 'timestamp' },
    ...logPosition,
    { name: 'rescued', type: 'string' },
    { name: 'log_timestamp', type: 'timestamp' },
  ];
}

function silverColumns(event: EventDefinition): ColumnDefinition[] {
  return [...typedColumns(event), { name: 'processed_timestamp', type: 'timestamp' }, ...logPosition];
}

function liveTable(event: EventDefinition, table: LiveTable): ServingTable {
  return {
    name: table.name,
    columns: [
      { name: 'window_start', type: "DateTime('UTC')" },
      { name: 'window_end', type: "DateTime('UTC')" },
      ...table.by.map((name) => ({ name, type: clickhouseType(fieldType(event.fields[name]!)) })),
      { name: table.count, type: 'UInt64' },
    ],
    engine: `SummingMergeTree(${table.count})`,
    orderBy: ['window_start', ...table.by],
    settings: {
      non_replicated_deduplication_window: 10_000,
      fsync_after_insert: 1,
      fsync_part_directory: 1,
    },
  };
}

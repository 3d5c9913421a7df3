import {
  boolean,
  defineEvent,
  definePipeline,
  double,
  EventlakeError,
  type EventOf,
  integer,
  long,
  oneOf,
  type PipelineDefinition,
  text,
  timestamp,
  uuid,
} from 'eventlake';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { duckdbTypeOf } from '../../packages/eventlake/src/engine/duckdb/sql-text.js';
import { sparkTypeOf } from '../../packages/eventlake/src/engine/spark/sql-text.js';
import {
  bronzeTables,
  deltaTables,
  liveTables,
  silverTables,
} from '../../packages/eventlake/src/schema/tables.js';
import { clickhouseType, deltaSchema } from '../../packages/eventlake/src/schema/types.js';

const readings = defineEvent({
  name: 'sensor_readings',
  topic: 'sensor-readings',
  id: 'reading_id',
  time: 'measured_at',
  key: 'sensor',
  fields: {
    reading_id: uuid(),
    sensor: text(),
    unit: oneOf('celsius', 'kelvin'),
    value: double(),
    samples: integer().optional(),
    ticks: long(),
    calibrated: boolean().optional(),
    note: text().optional(),
    measured_at: timestamp(),
  },
});

const pipeline: PipelineDefinition = {
  event: readings,
  gold: [],
  live: {
    windowMs: 60_000,
    watermarkDelayMs: 120_000,
    tables: [{ name: 'realtime.per_unit', by: ['unit', 'sensor'], count: 'readings' }],
    late: { name: 'realtime.late', by: [], count: 'readings' },
  },
  futureToleranceMs: 0,
};

test('the type of an event follows from its declaration', () => {
  expectTypeOf<EventOf<typeof readings>>().toEqualTypeOf<{
    readonly reading_id: string;
    readonly sensor: string;
    readonly unit: 'celsius' | 'kelvin';
    readonly value: number;
    readonly ticks: number;
    readonly measured_at: string;
    readonly samples?: number | null;
    readonly calibrated?: boolean | null;
    readonly note?: string | null;
  }>();
});

describe('what cannot work is refused where it is declared', () => {
  const good = {
    name: 'e',
    topic: 'e',
    id: 'id',
    time: 'at',
    key: 'id',
    fields: { id: uuid(), at: timestamp(), n: integer() },
  } as const;
  const events = {
    'a table name with a dash': { ...good, name: 'my-events' },
    'a field in capitals': { ...good, fields: { ...good.fields, userId: text() } },
    'a reserved word': { ...good, fields: { ...good.fields, order: text() } },
    'a bookkeeping column': { ...good, fields: { ...good.fields, log_offset: long() } },
    'a name for originals': { ...good, fields: { ...good.fields, raw_id: text() } },
    'a list of no values': { ...good, fields: { ...good.fields, kind: oneOf() } },
    'a value that SQL cannot hold': { ...good, fields: { ...good.fields, kind: oneOf('a\\b') } },
    'an id that may be missing': { ...good, fields: { ...good.fields, id: uuid().optional() } },
    'a time that is no timestamp': { ...good, time: 'n' as const },
  };
  for (const [what, event] of Object.entries(events)) {
    test(what, () => expect(() => defineEvent(event)).toThrow(EventlakeError));
  }

  test('a role that names no field', () => {
    // @ts-expect-error: the compiler says so too.
    expect(() => defineEvent({ ...good, key: 'nothing' })).toThrow(EventlakeError);
  });

  const { live } = pipeline;
  const pipelines: Record<string, Partial<PipelineDefinition>> = {
    'two tables of one name': { live: { ...live, late: { ...live.late, name: 'realtime.per_unit' } } },
    'a live table by an optional field': { live: { ...live, late: { ...live.late, by: ['note'] } } },
    'a live table by no field': { live: { ...live, late: { ...live.late, by: ['nothing'] } } },
    'a window of half a second': { live: { ...live, windowMs: 500 } },
  };
  for (const [what, part] of Object.entries(pipelines)) {
    test(what, () => expect(() => definePipeline({ ...pipeline, ...part })).toThrow(EventlakeError));
  }
});

test('bronze has the fields as text, silver has them typed, and every other column has its place', () => {
  const columns = (table: { columns: readonly { name: string; type: string }[] }) =>
    table.columns.map(({ name, type }) => `${name} ${type}`).join(', ');
  expect(deltaTables(pipeline).map((table) => table.name)).toEqual([
    'bronze.sensor_readings',
    'bronze.sensor_readings_quarantine',
    'bronze.sensor_readings_gaps',
    'silver.sensor_readings',
    'silver.sensor_readings_duplicates',
    'silver.sensor_readings_quarantine',
  ]);
  const bronze = bronzeTables(readings);
  const silver = silverTables(readings);
  expect(columns(bronze.events)).toBe(
    'reading_id string, sensor string, unit string, value string, samples string, ticks string, calibrated string, note string, measured_at string, ingestion_timestamp timestamp, log_batch long, log_partition integer, log_offset long, rescued string, log_timestamp timestamp',
  );
  expect(columns(bronze.quarantine)).toBe(
    'raw binary, reason string, ingestion_timestamp timestamp, log_batch long, log_partition integer, log_offset long, log_timestamp timestamp',
  );
  expect(columns(bronze.gaps)).toBe(
    'log_batch long, log_partition integer, from_offset long, to_offset long, records long, reason string, ingestion_timestamp timestamp',
  );
  expect(columns(silver.events)).toBe(
    'reading_id string, sensor string, unit string, value double, samples integer, ticks long, calibrated boolean, note string, measured_at timestamp, processed_timestamp timestamp, log_batch long, log_partition integer, log_offset long',
  );
  expect(silver.duplicates.columns).toEqual(silver.events.columns);
  expect(columns(silver.quarantine)).toBe(
    `${columns(bronze.events)}, reason string, processed_timestamp timestamp`,
  );
});

test('a live table has its window, its groups in their order, and its count', () => {
  expect(liveTables(pipeline)[0]).toMatchObject({
    columns: [
      { name: 'window_start', type: "DateTime('UTC')" },
      { name: 'window_end', type: "DateTime('UTC')" },
      { name: 'unit', type: 'String' },
      { name: 'sensor', type: 'String' },
      { name: 'readings', type: 'UInt64' },
    ],
    engine: 'SummingMergeTree(readings)',
    orderBy: ['window_start', 'unit', 'sensor'],
  });
});

test('each type has its form in Delta, DuckDB, Spark and ClickHouse', () => {
  const types = ['string', 'integer', 'long', 'double', 'boolean', 'date', 'timestamp', 'binary'] as const;
  const schema = deltaSchema({
    columns: types.map((type) => ({ name: type, type, nullable: type !== 'date' })),
  });
  expect(schema.fields.map((field) => [field.type, field.nullable])).toEqual(
    types.map((type) => [type, type !== 'date']),
  );
  expect(types.map((type) => [duckdbTypeOf(type), sparkTypeOf(type), clickhouseType(type, true)])).toEqual([
    ['VARCHAR', 'STRING', 'Nullable(String)'],
    ['INTEGER', 'INT', 'Nullable(Int32)'],
    ['BIGINT', 'BIGINT', 'Nullable(Int64)'],
    ['DOUBLE', 'DOUBLE', 'Nullable(Float64)'],
    ['BOOLEAN', 'BOOLEAN', 'Nullable(Bool)'],
    ['DATE', 'DATE', 'Nullable(Date)'],
    ['TIMESTAMP WITH TIME ZONE', 'TIMESTAMP', "Nullable(DateTime64(6, 'UTC'))"],
    ['BLOB', 'BINARY', 'Nullable(String)'],
  ]);
});

import {
  array,
  column,
  createTable,
  map,
  openTable,
  type Row,
  required,
  type Store,
  struct,
  type Table,
} from '../../src/index.js';

/** Tables written in every way that this package has, for other engines to judge. */
export interface JudgedTable {
  name: string;
  write(store: Store, path: string): Promise<Table>;
  /** What one of the judges says instead of reading it. */
  refused?: Readonly<Record<string, RegExp>>;
  /** The change data feed is compared from this version on. */
  changesFrom?: number;
}

const DVS = { 'delta.enableDeletionVectors': 'true' };

const EVERYTHING = struct({
  id: required('long'),
  b: 'boolean',
  i8: 'byte',
  i16: 'short',
  i32: 'integer',
  i64: 'long',
  f32: 'float',
  f64: 'double',
  d9: 'decimal(9,2)',
  d18: 'decimal(18,4)',
  d38: 'decimal(38,10)',
  text: 'string',
  day: 'date',
  at: 'timestamp',
  bytes: 'binary',
  pair: struct({ x: 'integer', y: 'string' }),
  list: array('long'),
  dict: map('string', 'double'),
  deep: array(struct({ k: 'string', v: map('integer', array('string')) })),
});

const FULL: Row = {
  id: 1,
  ...{ b: true, i8: -128, i16: 32767, i32: -2147483648, i64: 9223372036854775807n },
  ...{ f32: 1.5, f64: Math.PI, d9: '-1234567.89', d18: '99999999999999.9999' },
  ...{ d38: '-1234567890123456789012345678.0123456789', text: 'ünï😀', day: '2024-02-29' },
  ...{ at: '2024-05-31T12:00:00.123456Z', bytes: Uint8Array.of(0, 255, 128) },
  ...{ pair: { x: 1, y: 'a' }, list: [1, null, 3], dict: { a: 1.25, b: null } },
  deep: [
    { k: 'k', v: new Map([[1, ['x', 'y']]]) },
    { k: null, v: new Map() },
  ],
};

const EDGES: Row[] = [
  { ...FULL, id: 2, f32: Number.NaN, f64: Number.POSITIVE_INFINITY, text: '', list: [], dict: {}, deep: [] },
  { ...FULL, id: 3, f32: -0, f64: Number.NEGATIVE_INFINITY, text: 'x'.repeat(100), day: '1969-12-31' },
  { ...FULL, id: 4, f64: 5e-324, text: '\u{10ffff}'.repeat(40), at: '1969-12-31T23:59:59.999999Z' },
  { ...FULL, id: 5, b: false, i64: -9223372036854775808n, day: '1900-01-01', at: '2200-01-01T00:00:00Z' },
  { ...FULL, id: 6, i8: null, i16: null, i32: null, i64: null, f32: null, f64: null, b: null, text: null },
  {
    ...FULL,
    id: 7,
    d9: null,
    d18: null,
    d38: null,
    day: null,
    at: null,
    bytes: null,
    pair: { x: null, y: null },
  },
];

const NUMBERS = struct({ id: required('long'), part: 'string', n: 'integer', text: 'string' });
const PARTS = ['a', 'b', null];
const row = (id: number): Row => ({ id, part: PARTS[id % 3], n: id % 10, text: `row ${id}` });
const rows = (from: number, to: number): Row[] => Array.from({ length: to - from }, (_, i) => row(from + i));

/** Every kind of operation on rows, one after the other. */
async function everyOperation(table: Table): Promise<Table> {
  await table.append(rows(0, 40));
  await table.append(rows(40, 80));
  await table.update({
    where: { column: 'n', op: '=', value: 3 },
    set: { text: (r) => `${r.text}!`, n: 33 },
  });
  await table.delete({ where: { column: 'id', op: 'in', values: [1, 2, 44] } });
  await table.merge([...rows(38, 42).map((r) => ({ ...r, text: 'merged' })), ...rows(80, 90)], {
    on: ['id'],
    whenMatched: (target, source) => (target.id === 41n ? null : { ...target, text: source.text }),
  });
  await table.overwrite([{ id: 1000, part: 'a', n: 1, text: 'replaced' }], {
    where: {
      and: [
        { column: 'part', op: '=', value: 'a' },
        { column: 'n', op: '<', value: 5 },
      ],
    },
  });
  await table.delete({ where: { column: 'id', op: '=', value: 46 } });
  return table;
}

const operations = (properties: Record<string, string>, partitionBy: string[] = []) => {
  return async (store: Store, path: string): Promise<Table> =>
    everyOperation(await createTable(store, path, { schema: NUMBERS, properties, partitionBy }));
};

/** Enough files for several checkpoints with tombstones, positions and a domain between them. */
async function longHistory(table: Table): Promise<Table> {
  for (let i = 0; i < 12; i++)
    await table.append(rows(i * 5, i * 5 + 5), { txn: { appId: 'loader', version: i } });
  await table.delete({ where: { column: 'n', op: '=', value: 7 } });
  await table.checkpoint();
  await table.append(rows(100, 103));
  return table;
}

export const JUDGED: readonly JudgedTable[] = [
  {
    name: 'of every type',
    async write(store, path) {
      const table = await createTable(store, path, { schema: EVERYTHING });
      await table.append([FULL]);
      await table.append(EDGES);
      return table;
    },
  },
  {
    name: 'of every type, from checkpoints with statistics as columns',
    async write(store, path) {
      const properties = { 'delta.checkpoint.writeStatsAsStruct': 'true' };
      const table = await createTable(store, path, { schema: EVERYTHING, properties });
      await table.append([FULL]);
      await table.append(EDGES);
      await table.checkpoint();
      return table;
    },
  },
  {
    name: 'of dates that are far away',
    async write(store, path) {
      const table = await createTable(store, path, {
        schema: struct({ id: 'long', day: 'date', at: 'timestamp' }),
      });
      await table.append([
        // Python, which shows us what Spark reads, has no time in the first day of the year 1.
        { id: 1, day: '0001-01-01', at: '0002-01-01T00:00:00Z' },
        { id: 2, day: '9999-12-31', at: '9999-12-31T23:59:59.999999Z' },
      ]);
      return table;
    },
    refused: { ClickHouse: /out of allowed Date32 range/ },
  },
  {
    name: 'partitioned by every type',
    async write(store, path) {
      const schema = struct({
        id: required('long'),
        ...{ b: 'boolean', i: 'integer', l: 'long', d: 'decimal(10,2)', text: 'string', day: 'date' },
        ...{ at: 'timestamp', f: 'double', short: 'short', tiny: 'byte' },
      });
      const partitionBy = schema.fields.slice(1).map(({ name }) => name);
      const table = await createTable(store, path, { schema, partitionBy });
      const full = {
        ...{
          b: true,
          i: -5,
          l: 9007199254740993n,
          d: '-1.50',
          text: 'a/b=c d%20+é:\'"#?{}',
          day: '2024-05-31',
        },
        ...{ at: '2024-05-31T12:00:00.123456Z', f: 0.1, short: -7, tiny: 7 },
      };
      await table.append([
        { id: 1, ...full },
        { id: 2 },
        { id: 3, ...full, text: ' ', at: '1969-12-31T23:59:59Z' },
      ]);
      await table.append([{ id: 4, ...full, text: 'x'.repeat(300) }]);
      await table.delete({ where: { column: 'id', op: '=', value: 3 } });
      await table.checkpoint();
      return table;
    },
  },
  { name: 'after every operation', write: operations({}) },
  { name: 'after every operation, partitioned', write: operations({}, ['part']) },
  { name: 'after every operation, with deletion vectors', write: operations(DVS) },
  {
    name: 'after every operation, partitioned, with deletion vectors and a change data feed',
    write: operations({ ...DVS, 'delta.enableChangeDataFeed': 'true' }, ['part']),
    changesFrom: 0,
  },
  {
    name: 'after every operation, with a change data feed',
    write: operations({ 'delta.enableChangeDataFeed': 'true' }),
    changesFrom: 0,
  },
  {
    name: 'with classic checkpoints and a cleaned log',
    async write(store, path) {
      const properties = {
        'delta.checkpointInterval': '5',
        'delta.logRetentionDuration': 'interval 0 seconds',
      };
      const table = await createTable(store, path, { schema: NUMBERS, properties });
      await longHistory(table);
      // What is younger than a moment stays.
      await (await openTable(store, path, { nowMs: () => Date.now() + 3_600_000 })).cleanLog();
      return table;
    },
  },
  {
    name: 'with V2 checkpoints',
    async write(store, path) {
      const properties = { ...DVS, 'delta.checkpointPolicy': 'v2', 'delta.checkpointInterval': '5' };
      return longHistory(
        await createTable(store, path, { schema: NUMBERS, properties, partitionBy: ['part'] }),
      );
    },
  },
  {
    name: 'with V2 checkpoints that have sidecars',
    async write(store, path) {
      const properties = { 'delta.checkpointPolicy': 'v2', 'delta.checkpoint.writeStatsAsStruct': 'true' };
      const table = await createTable(store, path, { schema: NUMBERS, properties }, { sidecarActionsMax: 4 });
      return longHistory(table);
    },
  },
  {
    name: 'optimized, sorted and vacuumed',
    async write(store, path) {
      const table = await createTable(store, path, {
        schema: NUMBERS,
        properties: DVS,
        partitionBy: ['part'],
      });
      await longHistory(table);
      await table.optimize({ sortBy: ['text'] });
      await table.vacuum({ retentionHours: 0, belowSafetyFloor: true });
      await table.append(rows(200, 210));
      return table;
    },
  },
  {
    name: 'with widened types',
    refused: { 'delta-rs': /Unsupported table features required: \[TypeWidening\]/ },
    async write(store, path) {
      const schema = struct({
        id: required('long'),
        ...{ a: 'byte', b: 'short', c: 'integer', d: 'float', e: 'decimal(5,2)', f: 'date' },
      });
      const properties = { 'delta.enableTypeWidening': 'true' };
      const table = await createTable(store, path, { schema, properties });
      await table.append([{ id: 1, a: 1, b: 2, c: 3, d: 1.5, e: '1.25', f: '2024-05-31' }]);
      for (const [name, type] of [
        ['a', 'integer'],
        ['b', 'double'],
        ['c', 'long'],
        ['d', 'double'],
        ['e', 'decimal(12,4)'],
        ['f', 'timestamp_ntz'],
      ] as const) {
        await table.widenColumn(name, type);
      }
      await table.append([
        {
          id: 2,
          a: 100_000,
          b: 2.5,
          c: 2n ** 40n,
          d: Math.PI,
          e: '12345678.1234',
          f: '2024-05-31T12:30:00.5',
        },
      ]);
      return table;
    },
  },
  {
    name: 'of times without a zone, with in-commit timestamps',
    async write(store, path) {
      const schema = struct({ id: required('long'), at: 'timestamp_ntz', day: 'timestamp_ntz' });
      const properties = { 'delta.enableInCommitTimestamps': 'true' };
      const table = await createTable(store, path, { schema, properties, partitionBy: ['day'] });
      await table.append([
        { id: 1, at: '2024-05-31T12:00:00.123456', day: '2024-05-31T00:00:00' },
        { id: 2, at: '1950-01-01T00:00:00', day: null },
        { id: 3, at: null, day: '2024-05-31T12:00:00.5' },
      ]);
      await table.delete({ where: { column: 'id', op: '=', value: 2 } });
      await table.checkpoint();
      return table;
    },
  },
  {
    name: 'with constraints',
    async write(store, path) {
      const schema = struct({ id: required('long'), n: 'integer' });
      const properties = { 'delta.constraints.small': 'n < 100 AND n >= 0' };
      const table = await createTable(store, path, { schema, properties });
      await table.append([{ id: 1, n: 5 }]);
      await table.append([{ id: 2, n: 101 }]).catch(() => {});
      await table.update({ set: { n: 6 } });
      return table;
    },
  },
  {
    name: 'restored to an older version',
    async write(store, path) {
      const table = await createTable(store, path, { schema: NUMBERS, properties: DVS });
      await table.append(rows(0, 20));
      await table.delete({ where: { column: 'n', op: '<', value: 5 } });
      await table.restore({ version: 1 });
      await table.delete({ where: { column: 'n', op: '=', value: 9 } });
      await table.overwrite(rows(50, 60));
      await table.restore({ version: 4 });
      return table;
    },
  },
  {
    name: 'whose schema grew',
    async write(store, path) {
      const table = await createTable(store, path, {
        schema: struct({ id: required('long'), s: struct({ a: 'string' }) }),
      });
      await table.append([{ id: 1, s: { a: 'x' } }]);
      await table.addColumn(column('more', 'string'));
      await table.addColumn(column('b', 'integer'), 's');
      await table.append([{ id: 2, s: { a: 'y', b: 5 }, more: 'm' }]);
      return table;
    },
  },
  {
    name: 'with names of all kinds',
    async write(store, path) {
      const schema = struct({
        Id: required('long'),
        'naïve.col': 'string',
        'q`uote"s': 'integer',
        'per%cent': 'string',
      });
      const table = await createTable(store, path, { schema, partitionBy: ['per%cent'] });
      await table.append([{ Id: 1, 'naïve.col': 'x', 'q`uote"s': 1, 'per%cent': 'a%b' }]);
      await table.merge([{ Id: 1, 'naïve.col': 'y' }, { Id: 2 }], { on: ['Id'] });
      return table;
    },
  },
  {
    name: 'without rows',
    write: (store, path) => createTable(store, path, { schema: EVERYTHING, partitionBy: ['day'] }),
  },
];

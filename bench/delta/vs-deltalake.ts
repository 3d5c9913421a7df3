/** One case of delta-vs-deltalake.ts by us, in a process of its own; prints its figures. */
import { mkdirSync, readFileSync } from 'node:fs';
import {
  createTable,
  localStore,
  openTable,
  type Row,
  required,
  struct,
  type Table,
} from '../../packages/delta/dist/index.js';
import { memorySource, ParquetFile } from '../../packages/delta/dist/parquet/file.js';
import { encodeParquet } from '../../packages/delta/dist/writing/encode.js';
import { flushFiles } from '../../packages/eventlake/dist/engine/delta/flush-files.js';
import {
  type DuckDbDataEngine,
  openDuckDbDataEngine,
} from '../../packages/eventlake/dist/engine/duckdb/data-engine.js';

const [who, name, root] = process.argv.slice(2) as ['duckdb' | 'js' | 'prepare', string, string];
const store = localStore(root);
const SCHEMA = struct({
  id: required('long'),
  user_id: 'long',
  event_type: 'string',
  page: 'string',
  at: 'timestamp',
  amount: 'double',
});
const TABLE_ROWS = 5_000_000;
const ROWS = (from: string, count: number, step = 1): string =>
  `SELECT (${from} + i * ${step})::BIGINT AS id, (hash(i) % 100000)::BIGINT AS user_id, ` +
  `['login','click','purchase','logout'][1 + (hash(i, 1) % 4)::INT] AS event_type, '/page/' || (hash(i, 2) % 500) AS page, ` +
  `TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_microseconds(i * 1000) AS at, (hash(i, 3) % 10000) / 100 AS amount FROM range(${count}) t(i)`;

if (who === 'prepare') await prepare();
else await measure();

/** The same Parquet files as input for everybody, and a table for each to merge into, written by DuckDB. */
async function prepare(): Promise<void> {
  const engine = await openDuckDbDataEngine({ store });
  const connection = await engine.database.connect();
  const copy = (file: string, sql: string) =>
    connection.run(`COPY (${sql}) TO '${root}/${file}.parquet' (FORMAT parquet, COMPRESSION snappy)`);
  await copy('append-1000', ROWS('0', 1000));
  await copy('append-1000000', ROWS('0', 1_000_000));
  await copy('overwrite', ROWS('0', 1_000_000));
  // Half of them are in the table, spread over all of it.
  await copy('source', `${ROWS('0', 25_000, 200)} UNION ALL ${ROWS(String(TABLE_ROWS), 25_000)}`);
  for (const [by, properties] of [
    ['duckdb', {}],
    ['duckdb-vectors', { 'delta.enableDeletionVectors': 'true' }],
    ['delta-rs', {}],
    ['js', {}],
    ['js-vectors', { 'delta.enableDeletionVectors': 'true' }],
  ] as const) {
    const table = await createTable(store, `${by}/merge`, { schema: SCHEMA, properties }, { engine });
    for (let i = 0; i < 5; i++)
      await table.append({ sql: ROWS(String((i * TABLE_ROWS) / 5), TABLE_ROWS / 5) });
  }
  for (const by of ['duckdb', 'delta-rs', 'js']) {
    for (const into of ['append-1000', 'append-1000000', 'overwrite']) {
      await createTable(store, `${by}/${into}`, { schema: SCHEMA });
      await createTable(store, `${by}/${into}-durable`, { schema: SCHEMA });
    }
  }
  const log = await createTable(store, 'log', {
    schema: SCHEMA,
    properties: { 'delta.checkpointInterval': '1000000' },
  });
  for (let i = 0; i < 1000; i++) await log.append([{ id: i }]);
  connection.disconnectSync();
  await engine.close();
  process.stdout.write('{}\n');
}

async function measure(): Promise<void> {
  const vectors = name === 'merge-vectors';
  const input =
    vectors || name === 'merge' ? 'source' : name.replace('parquet', 'append').replace('-open', '');
  const engine = who === 'duckdb' ? await openDuckDbDataEngine({ store }) : undefined;
  const path = vectors ? `${who}-vectors/merge` : `${who}/${name.replace('-open', '')}`;
  const open = (): Promise<Table> => openTable(store, path, engine ? { engine } : {});
  const sql = 'SELECT * FROM input';
  // Everybody begins with the rows in memory, as it likes to have them: Arrow, a table of DuckDB, objects.
  if (engine && name !== 'snapshot') await load(engine, `${root}/${input}.parquet`);
  const rows = engine || name === 'snapshot' ? [] : await rowsOf(`${root}/${input}.parquet`);
  const given = engine ? { sql } : rows;
  const runs: Record<string, () => Promise<unknown>> = {
    'append-1000': async () => (await open()).append(given),
    'append-open-1000': async () => opened!.append(given),
    'append-1000000': async () => (await open()).append(given),
    overwrite: async () => (await open()).overwrite(given),
    snapshot: async () => openTable(store, 'log'),
    merge: async () => (await open()).merge(given, { on: ['id'] }),
    'merge-vectors': async () => (await open()).merge(given, { on: ['id'] }),
    'parquet-1000': async () => parquetAlone(rows, sql),
  };
  const opened = name === 'append-open-1000' ? await open() : undefined;
  const alone = `${root}/alone`;
  mkdirSync(alone, { recursive: true });
  const connection = await engine?.database.connect();
  const rounds = name.endsWith('1000') ? 20 : 1;
  // What stays open is a process that has run for a while; the others begin cold, as delta-rs does.
  const warm = name === 'append-open-1000' || name === 'parquet-1000' ? 100 : 0;
  for (let i = 0; i < warm; i++) await runs[name]!();
  const cpu = process.cpuUsage();
  const from = performance.now();
  for (let i = 0; i < rounds; i++) await runs[name]!();
  const ms = (performance.now() - from) / rounds;
  const { user, system } = process.cpuUsage(cpu);
  const peakRssBytes = process.resourceUsage().maxRSS * 1024;
  const figures = { ms, cpuMs: (user + system) / 1000 / rounds, peakRssBytes };

  /**
   * What an append is compared with: the same rows to a Parquet file in its place, on a connection that is open, the file and
   * its folder flushed, and nothing else.
   */
  async function parquetAlone(rows: readonly Row[], sql: string): Promise<void> {
    if (connection) {
      const file = `${alone}/${Math.random()}.parquet`;
      await connection.run(
        `COPY (${sql}) TO '${file}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)`,
      );
      await flushFiles(alone, [file]);
    } else {
      const columns = SCHEMA.fields.map((field) => rows.map((row) => stored(row[field.name], field.type)));
      await store.put(`alone/${Math.random()}.parquet`, encodeParquet(SCHEMA.fields, columns));
    }
  }
  connection?.disconnectSync();
  await engine?.close();
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

async function load(engine: DuckDbDataEngine, file: string): Promise<void> {
  const connection = await engine.database.connect();
  await connection.run(`CREATE TABLE input AS SELECT * FROM read_parquet('${file}')`);
  connection.disconnectSync();
}

function stored(value: unknown, type: unknown): unknown {
  return type === 'timestamp' ? BigInt(Date.parse(value as string)) * 1000n : value;
}

/** The input as objects, which is what a program without an engine has. */
async function rowsOf(file: string): Promise<Row[]> {
  const parquet = await ParquetFile.open(memorySource(file, readFileSync(file)));
  const { readBatches, valueAt } = await import('../../packages/delta/dist/parquet/read.js');
  const { toUser } = await import('../../packages/delta/dist/rows/values.js');
  const convert = toUser(SCHEMA);
  const rows: Row[] = [];
  for await (const { rowCount, columns } of readBatches(parquet, SCHEMA)) {
    for (let i = 0; i < rowCount; i++) {
      const values = SCHEMA.fields.map((field, c) => [field.name, valueAt(columns[c]!, i, field)] as const);
      rows.push(convert(Object.fromEntries(values)) as Row);
    }
  }
  return rows;
}

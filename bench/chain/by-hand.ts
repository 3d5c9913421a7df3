/** What one would do by hand: DuckDB alone, the same SQL from a file of the same records to Parquet files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import userEvents from '@eventlake/user-events';
import { duckdbMacros } from '../../packages/eventlake/dist/schema/macros.js';
import { rejectedSql, validSql } from '../../packages/eventlake/dist/schema/validation.js';

const linesFile = process.argv[2]!;
const out = mkdtempSync(join(tmpdir(), 'eventlake-by-hand-'));
const connection = await (
  await DuckDBInstance.create(':memory:', { temp_directory: `${out}/spill` })
).connect();
await connection.run("SET TimeZone = 'UTC'");
for (const macro of duckdbMacros) await connection.run(macro);

const { event, gold } = userEvents;
const fields = Object.keys(event.fields);
const place = ['log_batch', 'log_partition', 'log_offset'];
const copy = (sql: string, name: string, partitionBy = '') =>
  connection.run(`COPY (${sql}) TO '${out}/${name}' (FORMAT parquet, COMPRESSION zstd${partitionBy})`);

const begin = performance.now();
const cpu = process.cpuUsage();
const structure = JSON.stringify(Object.fromEntries(fields.map((name) => [name, 'VARCHAR'])));
await connection.run(`CREATE VIEW lines AS SELECT * FROM read_csv('${linesFile}', delim = '\u0001', quote = '', escape = '',
  columns = {'log_partition': 'INTEGER', 'log_offset': 'BIGINT', 'log_ms': 'BIGINT', 'json': 'VARCHAR'},
  header = false, auto_detect = false, strict_mode = false)`);
await connection.run(`CREATE VIEW parsed AS SELECT *, make_timestamptz(log_ms * 1000) AS log_timestamp,
  CASE WHEN json_valid(json) AND json_type(json) = 'OBJECT' AND len(json_keys(json)) = ${fields.length} THEN json_transform(json, '${structure}') END AS fields
  FROM lines`);
const landed = `current_timestamp AS ingestion_timestamp, CAST(1 AS BIGINT) AS log_batch, log_partition, log_offset, CAST(NULL AS VARCHAR) AS rescued, log_timestamp`;
await copy(`SELECT fields.*, ${landed} FROM parsed WHERE fields IS NOT NULL`, 'bronze.parquet');
await copy(`SELECT json, ${landed} FROM parsed WHERE fields IS NULL`, 'bronze_quarantine.parquet');
const bronzeMs = performance.now();

await connection.run(`CREATE VIEW bronze AS SELECT * FROM '${out}/bronze.parquet'`);
await copy(
  `SELECT ${fields.join(', ')}, current_timestamp AS processed_timestamp, ${place.join(', ')}
  FROM (${validSql(userEvents, 'bronze', place)}) QUALIFY row_number() OVER (PARTITION BY ${event.id} ORDER BY ${place.join(', ')}) = 1`,
  'silver.parquet',
);
await copy(rejectedSql(userEvents, 'bronze', ['ingestion_timestamp', ...place]), 'silver_quarantine.parquet');
const silverMs = performance.now();

await connection.run(`CREATE VIEW events AS SELECT * FROM '${out}/silver.parquet'`);
const order = ['set', 'rollup', 'append', 'replace'];
for (const table of [...gold].sort((a, b) => order.indexOf(a.grows) - order.indexOf(b.grows))) {
  const name = table.name.split('.')[1]!;
  const sql = table.grows === 'set' ? `SELECT DISTINCT * FROM (${table.sql}) AS members` : table.sql;
  await copy(sql, name, table.partitionBy ? `, PARTITION_BY (${table.partitionBy.join(', ')})` : '');
  if (table.grows !== 'append')
    await connection.run(`CREATE VIEW ${name} AS SELECT * FROM read_parquet('${out}/${name}')`);
  // All that is in it is new: there is one batch.
  if (table.grows === 'set') await connection.run(`CREATE VIEW new_${name} AS SELECT * FROM ${name}`);
}
const goldMs = performance.now();
const { user, system } = process.cpuUsage(cpu);
const cpuMs = (user + system) / 1000;
rmSync(out, { recursive: true });
process.stdout.write(
  `${JSON.stringify({ totalMs: goldMs - begin, bronzeMs: bronzeMs - begin, silverMs: silverMs - bronzeMs, goldMs: goldMs - silverMs, cpuMs })}\n`,
);

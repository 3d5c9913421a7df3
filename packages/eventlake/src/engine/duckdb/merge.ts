import type { DuckDBConnection } from '@duckdb/node-api';
import type { AddFile, EngineMerge, EngineMerged } from '@eventlake/delta';
import { EventlakeError } from '../../errors.js';
import { type LocalTable, placedFilesSql } from './read-table.js';
import { duckdbTypeOf, quoteName } from './sql-text.js';

/**
 * Finds what a merge matches, by the key columns alone, and gives the SQL for the rows that it adds: the source is held
 * in memory (or spilled), the table is not.
 * @param live SQL for the live rows of `files` with where they lie
 * @throws EventlakeError `invalid` where two rows of the source have the same key
 */
export async function mergeSql(
  connection: DuckDBConnection,
  read: LocalTable,
  files: readonly AddFile[],
  live: string,
  merge: EngineMerge,
): Promise<{ sql: string | undefined; result: Omit<EngineMerged, 'add'> }> {
  const { whenMatched, whenNotMatched, byVectors } = merge;
  const columns = await makeSource(connection, read, merge);
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE hits AS SELECT live."file path" AS path, live."file position" AS position, ` +
      `source."source row" AS "source row" FROM (${live}) AS live JOIN source ON ${equal(merge.on)}`,
  );
  const matched = await count(connection, 'SELECT count(*) AS n FROM hits');
  const isNew = '"source row" NOT IN (SELECT "source row" FROM hits)';
  const inserted =
    whenNotMatched === 'insert'
      ? await count(connection, `SELECT count(*) AS n FROM source WHERE ${isNew}`)
      : 0;
  const changes = whenMatched !== 'ignore' && matched > 0;
  const touched = changes ? await touchedFiles(connection, read, files) : [];

  const added: string[] = [];
  const rows = (from: string, given: (name: string) => string): string =>
    `SELECT ${read.snapshot.schema.fields.map(({ name }) => `${given(name)} AS ${quoteName(name)}`).join(', ')} FROM ${from}`;
  if (changes && whenMatched === 'update') {
    const isWhole = read.snapshot.schema.fields.every(({ name }) => columns.has(name));
    const source = 'hits JOIN source USING ("source row")';
    const before = ` JOIN (${live}) AS live ON live."file path" = hits.path AND live."file position" = hits.position`;
    added.push(
      rows(isWhole ? source : source + before, (name) =>
        columns.has(name) ? `source.${quoteName(name)}` : `live.${quoteName(name)}`,
      ),
    );
  }
  if (inserted > 0) {
    added.push(
      rows(`source WHERE ${isNew}`, (name) => (columns.has(name) ? `source.${quoteName(name)}` : 'NULL')),
    );
  }
  if (changes && !byVectors) {
    // The files of matched rows go: what else is in them is written anew.
    const paths = `live."file path" IN (SELECT path FROM hits)`;
    const isHit = 'hits.path = live."file path" AND hits.position = live."file position"';
    added.push(
      rows(
        `(SELECT * FROM (${live}) AS live ANTI JOIN hits ON ${isHit} WHERE ${paths}) AS live`,
        (name) => `live.${quoteName(name)}`,
      ),
    );
  }
  return {
    sql: added.length === 0 ? undefined : added.join('\nUNION ALL '),
    result: {
      touched,
      rowsInserted: inserted,
      rowsUpdated: whenMatched === 'update' ? matched : 0,
      rowsDeleted: whenMatched === 'delete' ? matched : 0,
    },
  };
}

/** @returns the columns that the source has. */
async function makeSource(
  connection: DuckDBConnection,
  { path, snapshot }: LocalTable,
  { query, on }: EngineMerge,
): Promise<Set<string>> {
  const described = await connection.runAndReadAll(`DESCRIBE ${query.sql}`);
  const given = described.getRowObjects().map((row) => String(row.column_name));
  const { fields } = snapshot.schema;
  const unknown = given.find((name) => !fields.some((field) => field.name === name));
  if (unknown) throw new EventlakeError('invalid', `${path} has no column ${unknown}`, { table: path });
  const missing = on.find((name) => !given.includes(name));
  if (missing) throw new EventlakeError('invalid', `The source has no column ${missing}`, { table: path });
  const casts = fields
    .filter(({ name }) => given.includes(name))
    .map(({ name, type }) => `CAST(${quoteName(name)} AS ${duckdbTypeOf(type)}) AS ${quoteName(name)}`);
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE source AS SELECT ${casts.join(', ')}, row_number() OVER () AS "source row" FROM (${query.sql})`,
  );
  const keys = on.map(quoteName);
  const twice = await connection.runAndReadAll(
    `SELECT 1 FROM source WHERE ${keys.map((key) => `${key} IS NOT NULL`).join(' AND ')} ` +
      `GROUP BY ${keys.join(', ')} HAVING count(*) > 1 LIMIT 1`,
  );
  if (twice.getRows().length > 0) {
    throw new EventlakeError('invalid', 'Two source rows have the same key', { table: path });
  }
  return new Set(given);
}

async function touchedFiles(
  connection: DuckDBConnection,
  read: LocalTable,
  files: readonly AddFile[],
): Promise<EngineMerged['touched']> {
  const byPath = new Map(files.map((file) => [read.localFile(file), file]));
  const positions = new Map<AddFile, number[]>();
  const result = await connection.stream('SELECT path, position FROM hits');
  for (
    let chunk = await result.fetchChunk();
    chunk && chunk.rowCount > 0;
    chunk = await result.fetchChunk()
  ) {
    for (const [path, position] of chunk.getRows()) {
      const file = byPath.get(String(path))!;
      const known = positions.get(file);
      if (known) known.push(Number(position));
      else positions.set(file, [Number(position)]);
    }
  }
  const touched: EngineMerged['touched'] = [];
  for (const [file, rows] of positions) {
    const sql = `SELECT count(*) AS n FROM (${placedFilesSql(read, [file])})`;
    touched.push({ file, rows, rowCount: recordsOf(file) ?? (await count(connection, sql)) });
  }
  return touched;
}

function recordsOf({ stats }: AddFile): number | undefined {
  return (JSON.parse(stats ?? '{}') as { numRecords?: number }).numRecords;
}

function equal(on: readonly string[]): string {
  return on.map((name) => `live.${quoteName(name)} = source.${quoteName(name)}`).join(' AND ');
}

async function count(connection: DuckDBConnection, sql: string): Promise<number> {
  return Number((await connection.runAndReadAll(sql)).getRows()[0]![0]);
}

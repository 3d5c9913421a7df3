import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { duckdbMacros } from '../../packages/eventlake/src/schema/macros.js';

/** A DuckDB as the engine sets one up, for SQL alone. */
export async function openDuckDb(): Promise<{
  run(sql: string): Promise<void>;
  query<Row = Record<string, unknown>>(sql: string): Promise<Row[]>;
  close(): void;
}> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection: DuckDBConnection = await instance.connect();
  for (const sql of ["SET TimeZone = 'UTC'", ...duckdbMacros]) await connection.run(sql);
  return {
    run: async (sql) => void (await connection.run(sql)),
    query: async <Row>(sql: string) => (await connection.runAndReadAll(sql)).getRowObjectsJS() as Row[],
    close: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

import { DuckDBInstance } from '@duckdb/node-api';
import { duckdbMacros } from '../../packages/eventlake/src/schema/macros.js';

/** A DuckDB as the engine sets one up, for SQL alone. */
export interface Db {
  run(sql: string, values?: (string | null)[]): Promise<void>;
  query<Row = Record<string, unknown>>(sql: string): Promise<Row[]>;
  close(): void;
}

export async function openDuckDb(): Promise<Db> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  for (const sql of ["SET TimeZone = 'UTC'", ...duckdbMacros]) await connection.run(sql);
  return {
    run: async (sql, values) => void (await connection.run(sql, values)),
    query: async <Row>(sql: string) => (await connection.runAndReadAll(sql)).getRowObjectsJS() as Row[],
    close: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

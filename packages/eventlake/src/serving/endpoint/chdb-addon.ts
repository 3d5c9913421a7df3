import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * chdb's native addon. Its `Session` class is bypassed for two reasons: closing a Session waits for every query of the
 * process, so one slow query would keep all later connections open; and only the addon has ClickHouse's own statement
 * classifier. The version in package.json is exact for that.
 */
export interface ChdbAddon {
  /** `args` in `clickhouse local` form. Connections on one path share one engine; a process has one path at a time. */
  CreateConnection(path: string, args?: readonly string[]): Connection | null;
  /** Only when nothing runs on the connection. */
  CloseConnection(connection: Connection): void;
  /** Runs on a libuv thread, which it holds until the query is over. */
  QueryAsyncConnection(connection: Connection, sql: string, format: string): Promise<RawResult>;
  /** What ClickHouse's own parser makes of the text, without running it. */
  DurableClassifyAsync(connection: Connection, sql: string, database: string | null): Promise<Classification>;
}

export type Connection = { readonly __connection: unique symbol };

export interface RawResult {
  bytes: Uint8Array;
  /** Seconds. */
  elapsed: number;
  rowsRead: number;
  bytesRead: number;
}

export interface Classification {
  statementCount: number;
  /** 0 read only, 1 mutating, 2 mutating beyond databases, 3 control (SET, USE, SYSTEM, INTO OUTFILE), 4 unknown. */
  queryClass: number;
}

let addon: ChdbAddon | undefined;

/** Loads the library on first use: it takes 100 ms and 200 MB that nobody should pay who serves nothing. */
export function loadChdb(): ChdbAddon {
  if (addon === undefined) {
    const require = createRequire(import.meta.url);
    const folder = dirname(require.resolve('chdb/package.json'));
    addon = (require(join(folder, 'dist', 'loader.js')) as { loadNative(): ChdbAddon }).loadNative();
  }
  return addon;
}

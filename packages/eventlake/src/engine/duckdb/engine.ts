import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Store } from '@eventlake/delta';
import type { EventLog } from '../../log/event-log.js';
import type { EventDefinition, TableDefinition } from '../../schema/definition.js';
import { compactTable, optimizeTable } from '../delta/compact.js';
import { Tables } from '../delta/tables.js';
import type { CompactOptions, CompactResult, Engine, EngineSession, TableState } from '../engine.js';
import { openDatabase } from './database.js';
import { wrapErrors } from './errors.js';
import { openDataFiles } from './files/data-files.js';
import { CACHE_BYTES, DATA_FILE_BYTES } from './limits.js';
import { LineShapes } from './log/line-shapes.js';
import { rewriteFiles } from './rewrite-files.js';
import { DuckDbSession, type EngineParts } from './session.js';
import { claimTempDir } from './temp-dir.js';

export interface DuckDbEngineOptions {
  /** The lakehouse's root. */
  store: Store;
  log: EventLog;
  /**
   * Spills and spooled records lie in `tmp` below it, as long as they are needed; copies of files of an object store in
   * `cache`.
   */
  dataDir: string;
  /** About how large `cache` may become. What is being read at the moment is kept beside it. */
  cacheBytesMax?: number;
  /** Beyond which it spills. */
  memoryMb: number;
  threads: number;
  /** A data file is ended when it has reached this size. */
  dataFileBytes?: number;
}

/** The embedded engine: DuckDB in this process, and the Delta log of @eventlake/delta. */
export async function openDuckDbEngine(options: DuckDbEngineOptions): Promise<Engine> {
  const { store, log, dataDir, memoryMb, threads, dataFileBytes = DATA_FILE_BYTES } = options;
  const { cacheBytesMax = CACHE_BYTES } = options;
  const tempDir = await claimTempDir(dataDir);
  const database = await openDatabase({ memoryMb, threads, tempDir });
  const shapes = new Map<string, LineShapes>();
  let lastId = 0;
  const parts: EngineParts = {
    database,
    log,
    tables: new Tables(store),
    files: openDataFiles({ store, tempDir, cacheDir: join(dataDir, 'cache'), cacheBytesMax }),
    tempDir,
    dataFileBytes,
    shapesOf: (event) => shapesOf(shapes, event),
    nextId: () => ++lastId,
  };
  return new DuckDbEngine(parts);
}

class DuckDbEngine implements Engine {
  readonly name = 'duckdb';
  readonly #parts: EngineParts;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  async createTable(table: TableDefinition): Promise<void> {
    await wrapErrors({ table: table.name }, () => this.#parts.tables.create(table));
  }

  async tableState(table: string, appId?: string): Promise<TableState> {
    return wrapErrors({ table }, () => this.#parts.tables.state(table, appId));
  }

  async compact(table: string, options: CompactOptions): Promise<CompactResult> {
    return wrapErrors({ table }, () =>
      compactTable(this.#parts.tables, table, options, rewriteFiles(this.#parts)),
    );
  }

  async optimize(table: string, { targetBytes }: { targetBytes: number }): Promise<CompactResult> {
    return wrapErrors({ table }, () =>
      optimizeTable(this.#parts.tables, table, targetBytes, rewriteFiles(this.#parts)),
    );
  }

  async open(): Promise<EngineSession> {
    return new DuckDbSession(this.#parts, await this.#parts.database.connect());
  }

  async close(): Promise<void> {
    this.#parts.database.closeSync();
    await rm(this.#parts.tempDir, { recursive: true, force: true });
  }
}

function shapesOf(known: Map<string, LineShapes>, event: EventDefinition): LineShapes {
  const fields = Object.keys(event.fields);
  const key = [event.name, ...fields].join(' ');
  const shapes = known.get(key) ?? new LineShapes(fields);
  known.set(key, shapes);
  return shapes;
}

import type { Store } from '@eventlake/delta';
import { EventlakeError } from '../../errors.js';
import type { TableDefinition } from '../../schema/definition.js';
import { compactTable, optimizeTable, type Rewrite } from '../delta/compact.js';
import { Tables } from '../delta/tables.js';
import type { CompactOptions, CompactResult, Engine, EngineSession, TableState } from '../engine.js';
import { readAuthorities } from './connect/authorities.js';
import { type Progress, SparkClient } from './connect/client.js';
import { wrapErrors } from './errors.js';
import type { KafkaOptions } from './kafka-source.js';
import { READ_LIMITS, type ReadLimits } from './read-table.js';
import { rewriteFiles } from './rewrite-files.js';
import { type EngineParts, SparkSession } from './session.js';
import { openSession } from './setup.js';

export interface SparkEngineOptions {
  /** The lakehouse's root; the cluster has to see it under the same address. */
  store: Store;
  /** How executors reach the log; left out where they cannot. */
  kafka?: KafkaOptions | undefined;
  url: string;
  token?: string | undefined;
  /** A PEM file of the authorities that the server's certificate may be of. */
  caFile?: string | undefined;
  connectTimeoutMs: number;
  statementTimeoutMs: number;
  shufflePartitions?: number | undefined;
  readLimits?: ReadLimits | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** SQL that every engine here runs is Spark's since this version. */
const VERSION_MIN = [4, 2] as const;

/**
 * Apache Spark through Spark Connect. Spark computes and writes data files; the Delta log is @eventlake/delta's here as
 * everywhere, so that all writers of a table exclude each other by the same means.
 * @throws EventlakeError `unavailable`, `forbidden`, `invalid` where the server is away, shut or too old
 */
export async function openSparkEngine(options: SparkEngineOptions): Promise<Engine> {
  const { store, kafka, shufflePartitions, readLimits = READ_LIMITS } = options;
  const client = new SparkClient({ ...options, ca: await readAuthorities(options.caFile) });
  const version = await client.version();
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < VERSION_MIN[0] || (major === VERSION_MIN[0] && minor < VERSION_MIN[1])) {
    throw new EventlakeError(
      'invalid',
      `The server is Spark ${version}, but it has to be ${VERSION_MIN.join('.')} or later`,
      { url: client.address.shown },
      'deploy/spark names the versions that work together.',
    );
  }
  return new SparkEngine({ client, kafka, tables: new Tables(store), shufflePartitions, readLimits });
}

class SparkEngine implements Engine {
  readonly name = 'spark';
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
    return this.#rewriting(table, (rewrite) => compactTable(this.#parts.tables, table, options, rewrite));
  }

  async optimize(table: string, { targetBytes }: { targetBytes: number }): Promise<CompactResult> {
    return this.#rewriting(table, (rewrite) =>
      optimizeTable(this.#parts.tables, table, targetBytes, rewrite),
    );
  }

  async open(): Promise<EngineSession> {
    return new SparkSession(this.#parts, await openSession(this.#parts));
  }

  async close(): Promise<void> {
    this.#parts.client.close();
  }

  async #rewriting<T>(table: string, run: (rewrite: Rewrite) => Promise<T>): Promise<T> {
    const session = await openSession(this.#parts);
    try {
      return await wrapErrors({ table }, () => run(rewriteFiles(session, this.#parts.tables.store)));
    } finally {
      await session.release();
    }
  }
}

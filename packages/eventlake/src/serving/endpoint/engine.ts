import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventlakeError } from '../../errors.js';
import { type ChdbAddon, type Connection, loadChdb, type RawResult } from './chdb-addon.js';
import { serverConfig, usersConfig } from './config-xml.js';
import { PipePool } from './pipes.js';
import { quoteString } from './sql/quote.js';

/** Places of the libuv pool that queries leave free: one for KILL QUERY, one for everything else in the process. */
const RESERVED_THREADS = 2;

const KILL_AGAIN_MS = 100;

/** ClickHouse in this process, on one folder. */
export class Engine {
  readonly #addon: ChdbAddon;
  readonly #base: Connection;
  readonly #control: Connection;
  readonly #busy = new Set<Promise<unknown>>();
  #closed = false;
  version = '';
  timezone = 'UTC';
  displayName = 'eventlake';

  private constructor(
    readonly folder: string,
    /** Queries that can run at the same time. */
    readonly concurrentMax: number,
    readonly pipes: PipePool,
    addon: ChdbAddon,
    base: Connection,
    control: Connection,
  ) {
    this.#addon = addon;
    this.#base = base;
    this.#control = control;
  }

  /**
   * @param folder `<dataDir>/clickhouse`
   * @param caFile absolute; certificates to trust instead of the system's
   * @throws EventlakeError `unavailable` where the folder cannot be opened.
   */
  static async open(folder: string, caFile?: string): Promise<Engine> {
    const path = join(folder, 'data');
    await mkdir(path, { recursive: true, mode: 0o700 });
    const config = join(folder, 'config.xml');
    await writeFile(config, serverConfig(folder, caFile), { mode: 0o600 });
    // What reads Delta logs in there is no part of ClickHouse, and learns of authorities in no other way.
    if (caFile !== undefined) process.env.SSL_CERT_FILE = caFile;
    await writeFile(join(folder, 'users.xml'), usersConfig(), { mode: 0o600 });
    const addon = loadChdb();
    const base = await connectFirst(addon, path, config);
    const threads = Number(process.env.UV_THREADPOOL_SIZE ?? 4);
    const concurrentMax = Math.max(2, Math.min(threads - RESERVED_THREADS, 32));
    const pipes = await PipePool.open(join(folder, 'pipes'), concurrentMax);
    await rm(join(folder, 'spool'), { recursive: true, force: true });
    await mkdir(join(folder, 'spool'), { recursive: true, mode: 0o700 });
    const engine = new Engine(folder, concurrentMax, pipes, addon, base, addon.CreateConnection(path)!);
    const facts = await engine.#query(
      base,
      'SELECT version(), timezone(), displayName()',
      'JSONCompactEachRow',
    );
    const [version, timezone, displayName] = JSON.parse(Buffer.from(facts.bytes).toString()) as string[];
    Object.assign(engine, { version, timezone, displayName });
    return engine;
  }

  /** A connection of its own: settings, roles, parameters and temporary tables end with it. */
  connect(): EngineConnection {
    const connection = this.#addon.CreateConnection(join(this.folder, 'data'));
    if (connection === null || this.#closed) throw new Error('the engine is closed');
    let last: Promise<unknown> = Promise.resolve();
    let hasFailed = false;
    const run = (sql: string, format: string) => {
      const result = this.#query(connection, sql, format);
      last = result.catch(() => {
        hasFailed = true;
      });
      return result;
    };
    return {
      get hasFailed() {
        return hasFailed;
      },
      run,
      stream: (before, sql, format) => this.#stream(run, before, sql, format),
      classify: (sql) => {
        const result = this.#track(this.#addon.DurableClassifyAsync(connection, sql, null));
        last = result.catch(() => {});
        return result;
      },
      close: () => last.then(() => this.#addon.CloseConnection(connection)),
    };
  }

  /** One statement of our own. Returns the first column's lines. */
  async administer(sql: string): Promise<string[]> {
    const { bytes } = await this.#query(this.#base, sql, 'TSVRaw');
    return Buffer.from(bytes).toString('utf8').split('\n').slice(0, -1);
  }

  #stream(
    run: EngineConnection['run'],
    before: string,
    sql: (target: string) => string,
    format: string,
  ): QueryStream {
    const pipe = this.pipes.take();
    const mark = `eventlake:${randomUUID()}`;
    const text = `${before}/*${mark}*/ ${sql(`INTO OUTFILE ${quoteString(pipe.path)} TRUNCATE`)}`;
    const done = run(text, format).finally(() => pipe.finish());
    done.catch(() => {});
    let cancelled = false;
    return {
      chunks: pipe.chunks,
      done,
      cancel: () => {
        if (cancelled) return;
        cancelled = true;
        void this.#killUntil(mark, done);
      },
      release: async () => {
        await done.catch(() => {});
        pipe.release();
      },
    };
  }

  /** A query that is not in the engine's list yet cannot be killed: again, until it is over. */
  async #killUntil(mark: string, done: Promise<unknown>): Promise<void> {
    let over = false;
    const ended = done
      .catch(() => {})
      .then(() => {
        over = true;
      });
    while (!over) {
      await this.#kill(mark);
      await Promise.race([ended, sleep(KILL_AGAIN_MS)]);
    }
  }

  /** Never SYNC: that hangs the process for good. */
  async #kill(mark: string): Promise<void> {
    const [prefix, id] = mark.split(':') as [string, string];
    const marked = `position(query, concat(${quoteString(`${prefix}:`)}, ${quoteString(id)})) > 0`;
    await this.#query(this.#control, `KILL QUERY WHERE ${marked} ASYNC`, 'TSV').catch(() => {});
  }

  #query(connection: Connection, sql: string, format: string): Promise<RawResult> {
    return this.#track(this.#addon.QueryAsyncConnection(connection, sql, format));
  }

  #track<T>(promise: Promise<T>): Promise<T> {
    this.#busy.add(promise);
    const forget = () => this.#busy.delete(promise);
    promise.then(forget, forget);
    return promise;
  }

  /** Waits for the queries that run. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    while (this.#busy.size > 0) await Promise.allSettled([...this.#busy]);
    // Connections close in the microtasks that follow their last query.
    await new Promise((resolve) => setImmediate(resolve));
    this.#addon.CloseConnection(this.#control);
    this.#addon.CloseConnection(this.#base);
    await this.pipes.close();
  }
}

export interface EngineConnection {
  /** One of its queries has failed, or was stopped. */
  readonly hasFailed: boolean;
  /** The whole result in memory; for statements that answer with little or nothing. */
  run(sql: string, format: string): Promise<RawResult>;
  /**
   * The result as a stream.
   * @param before statements to run before, each with its semicolon
   * @param sql makes the query, given the INTO OUTFILE clause
   */
  stream(before: string, sql: (target: string) => string, format: string): QueryStream;
  classify(sql: string): ReturnType<ChdbAddon['DurableClassifyAsync']>;
  close(): Promise<void>;
}

export interface QueryStream {
  /** To be read once, to the end. */
  chunks: AsyncIterable<Buffer>;
  /** The end of the query; rejects with ClickHouse's error. */
  done: Promise<RawResult>;
  /**
   * Stops the query. Go on reading to the end: the engine may not have opened its pipe yet, and would wait for a reader
   * for good.
   */
  cancel(): void;
  /** Gives the pipe back, once the query is over. */
  release(): Promise<void>;
}

async function connectFirst(addon: ChdbAddon, path: string, config: string): Promise<Connection> {
  let cause: unknown;
  try {
    const connection = addon.CreateConnection(path, [`--config-file=${config}`]);
    if (connection !== null) return connection;
  } catch (error) {
    cause = error;
  }
  // The engine locks its folder by itself, and says who has it in a file.
  const status = await readFile(join(path, 'status'), 'utf8').catch(() => '');
  const pid = /PID: (\d+)/.exec(status)?.[1];
  throw new EventlakeError(
    'unavailable',
    'the embedded ClickHouse does not open its folder',
    { file: path },
    `look whether it can be written${pid === undefined ? '' : `, and whether process ${pid} has it open`}`,
    { cause },
  );
}

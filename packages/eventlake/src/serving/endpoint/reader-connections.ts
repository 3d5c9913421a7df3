import type { Engine, EngineConnection } from './engine.js';

interface Prepared {
  connection: EngineConnection;
  preamble: string;
}

/**
 * Connections that have become a reader's by their preamble, used again by whoever has the same one: making and preparing
 * one takes as long as a small query. A reader's query leaves nothing on a connection, since whatever could (SET, USE,
 * CREATE) is none, by the engine's own classification. One that a query failed on, or was stopped on, is not used again.
 */
export class ReaderConnections {
  readonly #idle: Prepared[] = [];
  #closed = false;

  constructor(
    readonly engine: Engine,
    readonly idleMax: number,
  ) {}

  /** @returns one on which the preamble has run. Rejects with ClickHouse's error where it does not. */
  async take(preamble: string): Promise<EngineConnection> {
    const at = this.#idle.findLastIndex((prepared) => prepared.preamble === preamble);
    if (at >= 0) return this.#idle.splice(at, 1)[0]!.connection;
    const connection = this.engine.connect();
    try {
      await connection.run(preamble, 'Null');
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** After its query, with the preamble that it was taken with. The one that has waited longest makes room. */
  async giveBack(preamble: string, connection: EngineConnection): Promise<void> {
    if (connection.hasFailed || this.#closed) return connection.close();
    this.#idle.push({ preamble, connection });
    if (this.#idle.length > this.idleMax) await this.#idle.shift()!.connection.close();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { connection } of this.#idle.splice(0)) await connection.close();
  }
}

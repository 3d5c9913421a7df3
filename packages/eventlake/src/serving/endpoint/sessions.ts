import type { Engine, EngineConnection } from './engine.js';
import { ClickHouseException } from './errors.js';
import type { QueryRequest } from './request.js';

interface Session {
  connection: EngineConnection;
  busy: boolean;
  expiry?: NodeJS.Timeout;
}

/**
 * Connections that outlive a request, for clients that name a `session_id`: temporary tables and SET last from one
 * request to the next. Only the writer's: what a reader may do leaves nothing behind.
 */
export class Sessions {
  readonly #open = new Map<string, Session>();

  constructor(
    readonly engine: Engine,
    readonly sessionsMax: number,
  ) {}

  /** @throws ClickHouseException for a session that is in use, or not there and asked to be. */
  take(id: string, request: Pick<QueryRequest, 'sessionCheck'>): EngineConnection {
    let session = this.#open.get(id);
    if (session?.busy) {
      throw new ClickHouseException(
        373,
        'SESSION_IS_LOCKED',
        'Session is locked by a concurrent client',
        500,
      );
    }
    if (session === undefined) {
      if (request.sessionCheck)
        throw new ClickHouseException(372, 'SESSION_NOT_FOUND', 'Session not found', 404);
      if (this.#open.size >= this.sessionsMax) {
        throw new ClickHouseException(
          202,
          'TOO_MANY_SIMULTANEOUS_QUERIES',
          'Too many sessions are open',
          503,
        );
      }
      session = { connection: this.engine.connect(), busy: true };
      this.#open.set(id, session);
    }
    clearTimeout(session.expiry);
    session.busy = true;
    return session.connection;
  }

  release(id: string, timeoutSeconds: number): void {
    const session = this.#open.get(id);
    if (session === undefined) return;
    session.busy = false;
    session.expiry = setTimeout(() => {
      this.#open.delete(id);
      void session.connection.close();
    }, timeoutSeconds * 1000);
    session.expiry.unref();
  }

  async close(): Promise<void> {
    const sessions = [...this.#open.values()];
    this.#open.clear();
    for (const { expiry, connection } of sessions) {
      clearTimeout(expiry);
      await connection.close();
    }
  }
}

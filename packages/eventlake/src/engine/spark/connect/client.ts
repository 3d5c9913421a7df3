import { randomUUID } from 'node:crypto';
import { type Client, createClient, type Interceptor } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { SparkConnectService } from '../protocol/spark/connect/base_pb.js';
import { type Address, parseAddress } from './address.js';
import { sparkError } from './errors.js';
import { ConnectSession } from './session.js';

export interface ClientOptions {
  url: string;
  token?: string | undefined;
  /** PEM of the authorities that the server's certificate may be of; left out, those that Node trusts. */
  ca?: string | undefined;
  connectTimeoutMs: number;
  statementTimeoutMs: number;
  /** Interrupts whatever runs. */
  signal?: AbortSignal | undefined;
  /** How far the statement that runs has come. */
  onProgress?: ((progress: Progress) => void) | undefined;
}

export interface Progress {
  tasks: number;
  tasksDone: number;
  bytesRead: number;
}

/** A connection to a Spark Connect server. Sessions share it; it is opened by the first call, and again when it breaks. */
export class SparkClient {
  readonly address: Address;
  readonly rpc: Client<typeof SparkConnectService>;
  readonly options: ClientOptions;
  readonly #connection: Http2SessionManager;

  constructor(options: ClientOptions) {
    this.options = options;
    this.address = parseAddress(options.url, options.token);
    const { host, port, tls, token, headers } = this.address;
    const authorize: Interceptor = (next) => (request) => {
      if (token !== undefined) request.header.set('authorization', `Bearer ${token}`);
      for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
      return next(request);
    };
    const baseUrl = `${tls ? 'https' : 'http'}://${host}:${port}`;
    // A peer that is gone without a word is noticed, also while a statement runs for long.
    this.#connection = new Http2SessionManager(
      baseUrl,
      { pingIntervalMs: PING_INTERVAL_MS },
      options.ca === undefined ? {} : { ca: options.ca },
    );
    const transport = createGrpcTransport({
      baseUrl,
      interceptors: [authorize],
      sessionManager: this.#connection,
    });
    this.rpc = createClient(SparkConnectService, transport);
  }

  /** A session of its own: its views, settings and functions are nobody else's. */
  newSession(): ConnectSession {
    return new ConnectSession(this, randomUUID());
  }

  close(): void {
    this.#connection.abort();
  }

  /** The server's version of Spark. @throws EventlakeError `unavailable`, `forbidden` */
  async version(): Promise<string> {
    const session = this.newSession();
    try {
      const response = await this.rpc.analyzePlan(
        { ...session.identity(), analyze: { case: 'sparkVersion', value: {} } },
        { timeoutMs: this.options.connectTimeoutMs },
      );
      return response.result.case === 'sparkVersion' ? response.result.value.version : 'unknown';
    } catch (error) {
      throw sparkError(error, this.address.shown);
    } finally {
      await session.release();
    }
  }
}

const PING_INTERVAL_MS = 30_000;

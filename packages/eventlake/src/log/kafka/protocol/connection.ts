import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'node:tls';
import { EventlakeError } from '../../../errors.js';
import type { Api } from './api.js';
import { apiVersions } from './cluster-apis.js';
import { authenticate, type SaslSettings } from './sasl.js';
import { Reader, Writer } from './wire.js';

export interface ConnectionSettings {
  clientId: string;
  connectTimeoutMs: number;
  /** A broker that answers nothing for this long counts as gone. */
  requestTimeoutMs: number;
  /** Undefined: not encrypted. */
  tls: TlsOptions | undefined;
  sasl: SaslSettings | undefined;
}

/** What a broker may send at once, so that nothing that answers on its port can fill the memory. */
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;

interface Pending {
  name: string;
  correlationId: number;
  flexible: boolean;
  resolve(answer: Reader): void;
  reject(error: EventlakeError): void;
  timer: NodeJS.Timeout;
}

/**
 * One connection to one broker. Requests are answered in their order; every one has a time limit, and where it is over
 * the connection goes with all that wait on it: what became of them is not known.
 */
export class Connection {
  readonly socket: Socket;
  #closed: EventlakeError | undefined;
  #correlationId = 0;
  readonly #pending: Pending[] = [];
  readonly #frames = new Frames();
  #versions = new Map<number, { min: number; max: number }>();
  #expiresAtMs = Number.POSITIVE_INFINITY;

  private constructor(
    { socket, onChunk }: OpenSocket,
    readonly address: string,
    readonly settings: ConnectionSettings,
  ) {
    this.socket = socket;
    onChunk((chunk) => this.#receive(chunk));
    socket.on('error', (error) => this.#end(gone(address, error.message, error)));
    socket.on('close', () => this.#end(gone(address, 'the connection was closed')));
  }

  /** @throws EventlakeError `unavailable`; `forbidden` where the credentials do not suffice. */
  static async open(host: string, port: number, settings: ConnectionSettings): Promise<Connection> {
    const address = `${host}:${port}`;
    const connection = new Connection(await openSocket(host, port, settings), address, settings);
    try {
      const { ranges } = await connection.request(apiVersions, undefined);
      connection.#versions = new Map(ranges.map(({ key, min, max }) => [key, { min, max }]));
      if (settings.sasl) {
        const lifetimeMs = await authenticate(connection, settings.sasl);
        // Renewed by a new connection, well before the broker ends this one: KIP-368.
        if (lifetimeMs > 0) connection.#expiresAtMs = performance.now() + 0.8 * lifetimeMs;
      }
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  get isOpen(): boolean {
    return this.#closed === undefined;
  }

  get isExpired(): boolean {
    return performance.now() > this.#expiresAtMs;
  }

  get isIdle(): boolean {
    return this.#pending.length === 0;
  }

  has({ key, version }: { key: number; version: number }): boolean {
    const range = this.#versions.get(key);
    return range !== undefined && version >= range.min && version <= range.max;
  }

  /** @throws EventlakeError `unavailable`: whether the broker did what was asked is not known then. */
  async request<Q, R>(
    api: Api<Q, R>,
    request: Q,
    timeoutMs: number = this.settings.requestTimeoutMs,
  ): Promise<R> {
    if (this.#closed) throw this.#closed;
    if (this.#versions.size > 0 && !this.has(api)) throw unsupported(this.address, api);
    const frame = this.#frame(api, request);
    const answer = await new Promise<Reader>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#end(gone(this.address, `no answer to ${api.name} for ${timeoutMs} ms`));
      }, timeoutMs);
      const { name, flexible = false } = api;
      this.#pending.push({ name, correlationId: this.#correlationId, flexible, resolve, reject, timer });
      this.socket.cork();
      for (const part of frame) this.socket.write(part);
      this.socket.uncork();
    });
    try {
      return api.read(answer);
    } catch (cause) {
      const error = gone(this.address, `its answer to ${api.name} cannot be read`, cause);
      this.#end(error);
      throw error;
    }
  }

  close(): void {
    this.#end(gone(this.address, 'the connection was closed'));
  }

  #frame<Q, R>({ key, version, flexible, write }: Api<Q, R>, request: Q): Buffer[] {
    this.#correlationId = (this.#correlationId + 1) & 0x7fffffff;
    const to = new Writer().int32(0).int16(key).int16(version).int32(this.#correlationId);
    to.string(this.settings.clientId);
    if (flexible) to.noTags();
    write(to, request);
    const frame = to.finish();
    frame[0]!.writeInt32BE(
      frame.reduce((sum, part) => sum + part.length, -4),
      0,
    );
    return frame;
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#frames.add(chunk)) {
        const from = new Reader(frame);
        const correlationId = from.int32();
        const pending = this.#pending[0];
        if (pending?.correlationId !== correlationId) throw new RangeError('an answer that nobody asked for');
        if (pending.flexible) from.skipTags();
        // Only now: whatever is still pending where this fails is told of it.
        this.#pending.shift();
        clearTimeout(pending.timer);
        pending.resolve(from);
      }
    } catch (cause) {
      this.#end(gone(this.address, 'what it sends is not the Kafka protocol', cause));
    }
  }

  #end(error: EventlakeError): void {
    if (this.#closed) return;
    this.#closed = error;
    this.socket.destroy();
    for (const { reject, timer } of this.#pending.splice(0)) {
      clearTimeout(timer);
      reject(error);
    }
  }
}

/** Cuts the stream into answers: four bytes of length, then the answer. */
class Frames {
  #head = Buffer.alloc(4);
  #headBytes = 0;
  #frame: Buffer | undefined;
  #frameBytes = 0;

  *add(chunk: Buffer): Generator<Buffer> {
    for (let at = 0; at < chunk.length; ) {
      if (!this.#frame) {
        const taken = chunk.copy(this.#head, this.#headBytes, at, at + 4 - this.#headBytes);
        this.#headBytes += taken;
        at += taken;
        if (this.#headBytes < 4) return;
        const length = this.#head.readInt32BE(0);
        if (length < 4 || length > ANSWER_BYTES_MAX) throw new RangeError(`an answer of ${length} bytes`);
        // Not of the pool: blocks of records are made from it, and a small one must not pin a large one.
        this.#frame = Buffer.allocUnsafeSlow(length);
        this.#frameBytes = 0;
      }
      const taken = chunk.copy(this.#frame, this.#frameBytes, at);
      this.#frameBytes += taken;
      at += taken;
      if (this.#frameBytes === this.#frame.length) {
        const frame = this.#frame;
        this.#frame = undefined;
        this.#headBytes = 0;
        yield frame;
      }
    }
  }
}

interface OpenSocket {
  socket: Socket;
  /** A chunk holds until the call returns: the next one comes in the same memory. */
  onChunk(receive: (chunk: Buffer) => void): void;
}

/** Chunks of a connection without TLS all come in the same memory, since a new one for each costs more than it is read. */
const RECEIVE_BYTES = 256 * 1024;

function plainSocket(host: string, port: number): OpenSocket {
  let receive: (chunk: Buffer) => void = () => {};
  const callback = (bytes: number, buffer: Uint8Array) => {
    receive(Buffer.from(buffer.buffer, buffer.byteOffset, bytes));
    return true;
  };
  const onread = { buffer: Buffer.allocUnsafeSlow(RECEIVE_BYTES), callback };
  return {
    socket: connectPlain({ host, port, onread }),
    onChunk: (to) => {
      receive = to;
    },
  };
}

function tlsSocket(host: string, port: number, tls: TlsOptions): OpenSocket {
  const servername = /^[\d.:]+$/.test(host) ? {} : { servername: host };
  const socket = connectTls({ host, port, ...servername, ...tls });
  return { socket, onChunk: (receive) => void socket.on('data', receive) };
}

async function openSocket(host: string, port: number, settings: ConnectionSettings): Promise<OpenSocket> {
  const { tls, connectTimeoutMs } = settings;
  return new Promise((resolve, reject) => {
    const open = tls ? tlsSocket(host, port, tls) : plainSocket(host, port);
    const { socket } = open;
    const fail = (reason: string, cause?: unknown) => {
      clearTimeout(timer);
      socket.destroy();
      reject(gone(`${host}:${port}`, reason, cause));
    };
    const timer = setTimeout(() => fail(`no connection within ${connectTimeoutMs} ms`), connectTimeoutMs);
    const refused = (error: Error) => fail(error.message, error);
    const closed = () => fail('the connection was closed while it was made');
    socket.once('error', refused);
    socket.once('close', closed);
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      socket.off('error', refused);
      socket.off('close', closed);
      socket.setNoDelay(true);
      socket.setKeepAlive(true, 30_000);
      resolve(open);
    });
  });
}

function gone(address: string, reason: string, cause?: unknown): EventlakeError {
  return new EventlakeError(
    'unavailable',
    `The Kafka broker ${address} cannot be reached: ${reason}`,
    { url: address },
    'Is it running, and do log.kafka.brokers, log.kafka.tls and the firewall fit it? `eventlake doctor` tries it.',
    { cause },
  );
}

function unsupported(address: string, { name, version }: { name: string; version: number }): EventlakeError {
  return new EventlakeError(
    'invalid',
    `The Kafka broker ${address} does not take ${name} in version ${version}`,
    { url: address },
    'Brokers from Kafka 3.0 to 4.x are supported.',
  );
}

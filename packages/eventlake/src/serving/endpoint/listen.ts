import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP, type Socket } from 'node:net';
import type { Logger } from 'pino';
import { EventlakeError } from '../../errors.js';
import { listenOn } from '../../system/ports.js';
import type { EndpointLimits } from './limits.js';
import { type TlsFiles, tlsServer } from './tls.js';

type Handler = (message: IncomingMessage, response: ServerResponse) => void;

export interface ListenOptions {
  host: string;
  /** 0 takes any free one. */
  port: number;
  limits: EndpointLimits;
  logger: Logger;
  tls?: TlsFiles | undefined;
}

export interface Listener {
  server: Server;
  url: string;
  /** Who listens on a loopback address hears only this machine. */
  isLocal: boolean;
  /** Open ones. */
  connections(): number;
  answerWith(handler: Handler): void;
}

/**
 * Listens at once, and lets requests wait until there is who answers them.
 *
 * @throws EventlakeError as `listenOn`
 */
export async function listen({ host, port, limits, logger, tls }: ListenOptions): Promise<Listener> {
  const options = {
    maxHeaderSize: limits.headerBytesMax,
    noDelay: true,
    // Longer than what is advertised: a client that reuses a connection in the last moment must not be cut off.
    keepAliveTimeout: 30_000,
    headersTimeout: limits.stallMs,
    requestTimeout: limits.requestMs,
  };
  const server = tls === undefined ? createServer(options) : tlsServer(options, tls, logger);
  let connections = 0;
  server.on('connection', (socket) => {
    connections++;
    socket.once('close', () => connections--);
  });
  server.maxConnections = limits.connectionsMax;
  makeRoom(server, tls === undefined ? 'connection' : 'secureConnection', limits.connectionsMax);
  let handle: Handler | undefined;
  const waiting: [IncomingMessage, ServerResponse][] = [];
  server.on('request', (message, response) => {
    response.on('error', () => {});
    if (message.headers.connection?.toLowerCase() !== 'close') {
      response.setHeader('Keep-Alive', 'timeout=10');
      response.setHeader('Connection', 'Keep-Alive');
    }
    cutOffWhenStalled(message, response, limits.stallMs);
    if (handle === undefined) waiting.push([message, response]);
    else handle(message, response);
  });
  await listenOn(server, { host, port }, 'clickhouse');
  return {
    server,
    url: urlOf(tls === undefined ? 'http' : 'https', host, (server.address() as AddressInfo).port),
    isLocal: isLoopback(host),
    connections: () => connections,
    answerWith(handler) {
      handle = handler;
      for (const [message, response] of waiting.splice(0)) handler(message, response);
    },
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** @throws EventlakeError `forbidden` */
export function mustNotBeOpenToAll(host: string, reader: { password?: string } | undefined): void {
  if (isLoopback(host) || (reader?.password !== undefined && reader.password !== '')) return;
  throw new EventlakeError(
    'forbidden',
    `without a password, ${host} would let everybody read who reaches this machine`,
    { setting: 'clickhouse.host' },
    'give readers a password (clickhouse.password, EVENTLAKE_CLICKHOUSE_PASSWORD), or listen on 127.0.0.1',
  );
}

/**
 * Of the last places, none is for who asks nothing: the connection that has been idle longest, or has not finished its
 * first request, is closed for each one that comes.
 */
function makeRoom(server: Server, event: 'connection' | 'secureConnection', connectionsMax: number): void {
  const keptFree = Math.ceil(connectionsMax / 20);
  const open = new Set<Socket>();
  /** Longest first. */
  const idle = new Set<Socket>();
  const requests = new WeakMap<Socket, number>();
  server.on(event, (socket: Socket) => {
    open.add(socket);
    idle.add(socket);
    socket.once('close', () => {
      open.delete(socket);
      idle.delete(socket);
    });
    const [longest] = idle;
    if (open.size > connectionsMax - keptFree) longest?.destroy();
  });
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    idle.delete(socket);
    requests.set(socket, (requests.get(socket) ?? 0) + 1);
    response.once('close', () => {
      const left = requests.get(socket)! - 1;
      requests.set(socket, left);
      if (left === 0 && open.has(socket)) idle.add(socket);
    });
  });
}

/** A client that sends nothing of its body, or takes nothing of its result, must not hold a place for good. */
function cutOffWhenStalled(message: IncomingMessage, response: ServerResponse, stallMs: number): void {
  // Being listened to, the time-out does not cut off who waits for a long query.
  response.setTimeout(stallMs, () => {
    const { socket } = message;
    if (!message.complete || response.writableNeedDrain) socket.destroy();
  });
}

function urlOf(scheme: string, host: string, port: number): string {
  if (host === '0.0.0.0' || host === '::') return `${scheme}://127.0.0.1:${port}`;
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

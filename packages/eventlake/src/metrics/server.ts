import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { listenOn } from '../system/ports.js';
import { METRICS_CONTENT_TYPE } from './scrape.js';

export interface MetricsServerOptions {
  host: string;
  /** 0 takes any free one. */
  port: number;
  text(): Promise<string>;
  /** Undefined where the process can do its work; else why not. */
  notReady(): string | undefined;
}

/**
 * `/metrics`, `/health` and `/ready` of a process that answers nothing else. It keeps no process alive.
 *
 * @throws EventlakeError as `listenOn`
 */
export async function startMetricsServer(
  options: MetricsServerOptions,
): Promise<{ url: string; close(): Promise<void> }> {
  const { host, port } = options;
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5000, maxHeaderSize: 16_384 });
  server.maxConnections = 50;
  server.on('request', (message, response) => {
    void answer(options, message, response);
  });
  await listenOn(server, { host, port }, 'metrics');
  server.unref();
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  { text, notReady }: MetricsServerOptions,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = message.url?.split('?')[0];
  const send = (status: number, body: string, type = 'text/plain; charset=utf-8') =>
    response.writeHead(status, { 'Content-Type': type }).end(body);
  if (message.method !== 'GET' && message.method !== 'HEAD') return void send(405, 'GET it.\n');
  if (path === '/health') return void send(200, 'Ok.\n');
  if (path === '/ready') {
    const why = notReady();
    return void send(why === undefined ? 200 : 503, `${why ?? 'Ok.'}\n`);
  }
  if (path !== '/metrics') return void send(404, 'There are /metrics, /health and /ready.\n');
  try {
    send(200, await text(), METRICS_CONTENT_TYPE);
  } catch (error) {
    send(500, `The figures cannot be read: ${(error as Error).name}\n`);
  }
}

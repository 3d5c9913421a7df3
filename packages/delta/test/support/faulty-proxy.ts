import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** What goes wrong on the way to a store, or back. */
export type Fault =
  /** The store never hears of it. */
  | 'slow-down'
  | 'cut-before'
  /** The store does it, and nobody hears of that. */
  | 'hang-after'
  | 'cut-after'
  | 'error-after'
  /** Something on the way sends it again; the second answer arrives. */
  | 'sent-twice'
  /** The answer's body. */
  | 'drip'
  | 'stall-in-body'
  | 'cut-in-body'
  | 'half-of-body'
  | 'no-length'
  /** The request's headers. */
  | 'drop-condition'
  | 'drop-metadata';

export interface FaultyProxy {
  endpoint: string;
  /** Decides for each request what happens to it; nothing where it returns undefined. */
  decide: (request: { method: string; path: string }) => Fault | undefined;
  /** `PUT /lake/a` … in the order in which they came. */
  seen: string[];
  close(): Promise<void>;
}

/** A proxy of real sockets before an S3 server. */
export async function faultyProxy(upstream: string): Promise<FaultyProxy> {
  const server = createServer((message, response) => {
    answer(message, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const proxy: FaultyProxy = {
    endpoint: `http://127.0.0.1:${port}`,
    decide: () => undefined,
    seen: [],
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = message;
    const path = decodeURIComponent(url.split('?')[0] ?? '');
    const body = await collect(message);
    proxy.seen.push(`${method} ${path}`);
    const fault = proxy.decide({ method, path });
    if (fault === 'cut-before') return cut(response);
    if (fault === 'slow-down') return sendError(response, 503, 'SlowDown');
    if (fault === 'drop-condition') delete headers['if-none-match'];
    if (fault === 'drop-metadata') delete headers['x-amz-meta-put-id'];

    let reply = await forward(upstream, { method, url, headers }, body);
    if (fault === 'sent-twice') reply = await forward(upstream, { method, url, headers }, body);
    if (fault === 'hang-after') return;
    if (fault === 'cut-after') return cut(response);
    if (fault === 'error-after') return sendError(response, 500, 'InternalError');
    await sendBody(response, reply, fault);
  }
  return proxy;
}

interface Reply {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

function forward(
  upstream: string,
  options: { method: string; url: string; headers: IncomingMessage['headers'] },
  body: Buffer,
): Promise<Reply> {
  const { hostname, port } = new URL(upstream);
  return new Promise((resolve, reject) => {
    const { method, url: path, headers } = options;
    const outgoing = request({ hostname, port, method, path, headers, agent: false }, (reply) => {
      collect(reply).then(
        (body) => resolve({ status: reply.statusCode ?? 500, headers: reply.headers, body }),
        reject,
      );
    });
    outgoing.on('error', reject).end(body);
  });
}

async function sendBody(response: ServerResponse, reply: Reply, fault: Fault | undefined): Promise<void> {
  const { status, body } = reply;
  const headers = { ...reply.headers };
  delete headers.connection;
  delete headers['transfer-encoding'];
  const half = Math.ceil(body.length / 2);
  if (fault === 'no-length') delete headers['content-length'];
  if (fault === 'half-of-body') headers['content-length'] = String(half);
  response.writeHead(status, headers);
  switch (fault) {
    case 'drip':
      for (let at = 0; at < body.length; at += half) {
        response.write(body.subarray(at, at + half));
        await sleep(200);
      }
      response.end();
      return;
    case 'stall-in-body':
      response.write(body.subarray(0, half));
      return;
    case 'cut-in-body':
      response.write(body.subarray(0, half), () => cut(response));
      return;
    case 'half-of-body':
      response.end(body.subarray(0, half));
      return;
    default:
      response.end(body);
  }
}

function cut(response: ServerResponse): void {
  response.socket?.destroy();
}

function sendError(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(
    `<?xml version="1.0"?><Error><Code>${code}</Code><Message>Reduce your request rate.</Message></Error>`,
  );
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

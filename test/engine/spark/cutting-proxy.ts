import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to the server on which connections break. */
export interface CuttingProxy {
  url: string;
  cuts: number;
  close(): void;
}

/** Each connection is reset, as a network would do it, when so many bytes have come down on it. */
export async function cuttingProxy(url: string, cutAfterBytes: number): Promise<CuttingProxy> {
  const target = new URL(url.replace('sc:', 'http:'));
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    open.add(client);
    let bytes = 0;
    upstream.on('data', (data: Buffer) => {
      bytes += data.length;
      if (bytes < cutAfterBytes || client.destroyed) return;
      proxy.cuts++;
      client.resetAndDestroy();
    });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
    client.on('close', () => open.delete(client));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: CuttingProxy = {
    url: `sc://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cuts: 0,
    close: () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
  return proxy;
}

import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What a network does to those who talk over it. */
export type Weather = 'fine' | 'stalled' | 'cut' | 'slow';

export interface Proxy {
  port: number;
  /**
   * `stalled`: nothing goes through, and nobody is told; `cut`: connections break and new ones are refused; `slow`:
   * everything comes 100 ms later.
   */
  weather: Weather;
  close(): void;
}

/** A TCP proxy on loopback in front of a port that need not be there yet. */
export async function startProxy(target: () => number): Promise<Proxy> {
  const pairs = new Set<Socket>();
  let weather: Weather = 'fine';
  let cleared: () => void = () => {};
  let clear: Promise<void> = Promise.resolve();
  const forward = (from: Socket, to: Socket) => {
    // One after the other: whatever the weather, TCP keeps the order.
    let before: Promise<unknown> = Promise.resolve();
    from.on('data', (data) => {
      before = before.then(async () => {
        if (weather === 'slow') await new Promise((resolve) => setTimeout(resolve, 100));
        await clear;
        if (to.writable) to.write(data);
      });
    });
    const end = () => {
      pairs.delete(from);
      to.destroy();
    };
    from.on('error', end).on('close', end);
    pairs.add(from);
  };
  const server = createServer((client) => {
    if (weather === 'cut') return void client.destroy();
    const broker = connect(target(), '127.0.0.1');
    forward(client, broker);
    forward(broker, client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get weather() {
      return weather;
    },
    set weather(next) {
      weather = next;
      if (next === 'cut') for (const socket of pairs) socket.destroy();
      cleared();
      if (next === 'stalled') {
        clear = new Promise((resolve) => {
          cleared = resolve;
        });
      }
    },
    close() {
      for (const socket of pairs) socket.destroy();
      server.close();
    },
  };
}

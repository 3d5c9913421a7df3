import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { startMetricsServer } from '../../packages/eventlake/src/metrics/server.js';
import { mustBeFree } from '../../packages/eventlake/src/system/ports.js';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

test('who has a port is said, where the system tells, and which setting chooses another', async () => {
  const port = await takenPort();
  const refusal = (section: string) => ({
    kind: 'busy',
    message: expect.stringMatching(
      `port ${port} on 127.0.0.1 is taken by (process ${process.pid} |another program)`,
    ),
    where: { setting: `${section}.port` },
    hint: expect.stringContaining(`--set ${section}.port=0`),
  });
  await expect(mustBeFree({ host: '127.0.0.1', port }, 'clickhouse')).rejects.toMatchObject(
    refusal('clickhouse'),
  );
  const options = { host: '127.0.0.1', port, text: async () => '', notReady: () => undefined };
  await expect(startMetricsServer(options)).rejects.toMatchObject(refusal('metrics'));
});

test('an address of another machine is refused as such', async () => {
  // Of the addresses that are kept for documentation.
  await expect(mustBeFree({ host: '192.0.2.1', port: 0 }, 'clickhouse')).rejects.toMatchObject({
    kind: 'unavailable',
    where: { setting: 'clickhouse.host' },
  });
});

test('a port that was tried is free for who tried it', async () => {
  const port = await takenPort();
  servers.splice(0)[0]!.close();
  for (const _ of [1, 2]) await mustBeFree({ host: '127.0.0.1', port }, 'clickhouse');
});

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('../../../scripts/kafka', import.meta.url));

/** A real broker of a test's own, in a folder of its own: `scripts/kafka` without the words. */
export interface Broker {
  /** `127.0.0.1:<port>`, the same after a restart. */
  address: string;
  dir: string;
  /** A clean stop. */
  stop(): Promise<void>;
  /** `kill -9`, without a moment to write anything. */
  kill(): Promise<void>;
  /** Starts it again where it was stopped or killed, with its records and its address. */
  restart(): Promise<void>;
  /** Stops it and removes its folder. */
  remove(): Promise<void>;
}

export interface BrokerOptions {
  /** Of Kafka; the script's pinned one where it is left out. */
  version?: string;
  /** Lines of server.properties, over the script's; `{port}` and `{controller}` stand for the broker's ports. */
  properties?: Readonly<Record<string, string>>;
  /** Properties of its Java machine. */
  options?: string;
  /** Of clients and of controllers, where somebody has to know them beforehand. */
  ports?: readonly [number, number];
}

export async function startBroker({
  version,
  properties = {},
  options = '',
  ports,
}: BrokerOptions = {}): Promise<Broker> {
  const dir = mkdtempSync(join(tmpdir(), 'eventlake-kafka-'));
  if (ports) writeFileSync(join(dir, 'ports'), `${ports.join(' ')}\n`);
  const place = ['--dir', dir, ...(version ? ['--version', version] : [])];
  const lines = Object.entries(properties).flatMap(([key, value]) => ['--property', `${key}=${value}`]);
  const env = { ...process.env, KAFKA_OPTS: options };
  const start = async () => (await run(SCRIPT, ['start', ...place, ...lines], { env })).stdout.trim();
  const address = await start();
  const stop = async (...options: string[]) => void (await run(SCRIPT, ['stop', ...place, ...options]));
  return {
    address,
    dir,
    stop,
    kill: () => stop('--kill'),
    restart: async () => void (await start()),
    remove: async () => {
      await stop('--kill');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Several brokers, each a controller too. Topics have three replicas, and two must have what is acknowledged. */
export interface BrokerCluster {
  /** All addresses, separated by commas. */
  address: string;
  /** By id, from 1 on. */
  brokers: ReadonlyMap<number, Broker>;
  remove(): Promise<void>;
}

export async function startCluster(size = 3): Promise<BrokerCluster> {
  const ids = Array.from({ length: size }, (_, i) => i + 1);
  const ports = await freePorts(2 * size);
  const controllerOf = (id: number) => ports[size + id - 1]!;
  const voters = ids.map((id) => `${id}@127.0.0.1:${controllerOf(id)}`).join(',');
  // None is up before the others are: together they choose who leads them.
  const started = await Promise.all(
    ids.map((id) =>
      startBroker({
        ports: [ports[id - 1]!, controllerOf(id)],
        properties: { ...REPLICATED, 'node.id': String(id), 'controller.quorum.voters': voters },
      }),
    ),
  );
  return {
    address: started.map(({ address }) => address).join(','),
    brokers: new Map(started.map((broker, i) => [ids[i]!, broker])),
    remove: async () => void (await Promise.all(started.map((broker) => broker.remove()))),
  };
}

const REPLICATED = {
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'offsets.topic.replication.factor': '3',
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.min.isr': '2',
  // Who is gone stops counting as in sync in seconds, and is let in again as fast.
  'replica.lag.time.max.ms': '5000',
};

/** Ports of loopback that are free now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => server.listening || once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) server.close();
  return ports;
}

/** One of Kafka's own tools (a class of its jars), with this standard input. @returns What it printed. */
export async function kafkaTool(name: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const tool = spawn(SCRIPT, ['tool', name, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    tool.stdout.on('data', (data: Buffer) => out.push(data));
    tool.stderr.on('data', (data: Buffer) => err.push(data));
    tool.on('error', reject);
    tool.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(out).toString());
      else reject(new Error(`${name} ended with ${code}: ${Buffer.concat(err)}`));
    });
    tool.stdin.end(input);
  });
}

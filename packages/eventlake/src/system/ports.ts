import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { EventlakeError } from '../errors.js';

export interface Address {
  host: string;
  /** 0 takes any free one. */
  port: number;
}

/** What says where to listen: the settings `clickhouse.host` and `.port`, or those of `metrics`. */
export type Section = 'clickhouse' | 'metrics';

/**
 * Listens.
 *
 * @throws EventlakeError `busy` for a port that is taken, by whom if that can be known; `unavailable` for an address
 * that is not of this machine, or a port that the system keeps
 */
export function listenOn(server: Server, { host, port }: Address, section: Section): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      cannotListen(error, { host, port }, section).then(reject, reject);
    });
    server.listen({ host, port }, resolve);
  });
}

/**
 * For who would start much before it listens.
 *
 * @throws EventlakeError as `listenOn`
 */
export async function mustBeFree(address: Address, section: Section): Promise<void> {
  const server = createServer();
  await listenOn(server, address, section);
  await new Promise((resolve) => server.close(resolve));
}

async function cannotListen(
  cause: NodeJS.ErrnoException,
  { host, port }: Address,
  section: Section,
): Promise<EventlakeError> {
  if (cause.code === 'EADDRINUSE') {
    const owner = (await portOwner(port)) ?? 'another program';
    return new EventlakeError(
      'busy',
      `port ${port} on ${host} is taken by ${owner}`,
      { setting: `${section}.port` },
      `stop it, or take another port: --set ${section}.port=0 takes any free one`,
      { cause },
    );
  }
  return new EventlakeError(
    'unavailable',
    `cannot listen on ${host}:${port}: ${cause.message}`,
    { setting: `${section}.host` },
    'choose an address of this machine, and a port above 1023',
    { cause },
  );
}

/** The process that listens on a port, where the system tells (Linux, processes of the same user). */
async function portOwner(port: number): Promise<string | undefined> {
  try {
    const inode = await listeningInode(port);
    if (!inode) return undefined;
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
      for (const file of files) {
        const target = await readlink(`/proc/${pid}/fd/${file}`).catch(() => '');
        if (target === `socket:[${inode}]`) return await describeProcess(pid);
      }
    }
  } catch {
    // Not Linux.
  }
  return undefined;
}

/** /proc/net/tcp: local address as hex `address:port`, state 0A is LISTEN, the tenth column is the socket's inode. */
async function listeningInode(port: number): Promise<string | undefined> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8').catch(() => '')),
  );
  const rows = tables
    .join('\n')
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  return rows.find((row) => row[1]?.endsWith(`:${hex}`) && row[3] === '0A')?.[9];
}

async function describeProcess(pid: string): Promise<string> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return `process ${pid}${command ? ` (${command.replaceAll('\0', ' ').trim().slice(0, 80)})` : ''}`;
}

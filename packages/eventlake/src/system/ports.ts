import { readdir, readFile, readlink } from 'node:fs/promises';

/** The process that listens on a port, where the system tells (Linux, processes of the same user). */
export async function portOwner(port: number): Promise<string | undefined> {
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

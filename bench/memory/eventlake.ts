import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../../packages/eventlake/bin/eventlake.js', import.meta.url));

/** A command of eventlake on a data folder, in a process of its own. */
export function eventlake(dataDir: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, [bin, ...args, '--data-dir', dataDir], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      ...process.env,
      EVENTLAKE_CLICKHOUSE_PORT: '0',
      // A prepared log may be older than what is kept by default.
      EVENTLAKE_LOG_RETENTION_HOURS: String(24 * 3660),
    },
  });
}

export async function output(dataDir: string, ...args: string[]): Promise<string> {
  const child = eventlake(dataDir, ...args);
  let text = '';
  child.stdout!.on('data', (chunk) => {
    text += chunk;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`eventlake ${args.join(' ')} ended with ${code}`);
  return text;
}

export async function run(dataDir: string, ...args: string[]): Promise<void> {
  await output(dataDir, ...args);
}

export async function waitForEndpoint(dataDir: string): Promise<void> {
  while (!existsSync(join(dataDir, 'clickhouse', 'endpoint.json'))) await sleep(100);
}

export async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

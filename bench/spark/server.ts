import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Server {
  url: string;
  stop(): void;
}

/** A Spark Connect server as a child of this process, so that its memory and its CPU time are counted. */
export function startServer(work: string, memory = '4g'): Promise<Server> {
  const script = fileURLToPath(new URL('../../scripts/spark', import.meta.url));
  const args = ['run', '--dir', join(work, 'server'), '--port', '0', '--memory', memory];
  const child = spawn(script, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.on('close', (code) => reject(new Error(`the server ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, port] = /Spark Connect server started at: [\d.]+:(\d+)/.exec(line) ?? [];
      if (port) resolve({ url: `sc://127.0.0.1:${port}`, stop: () => child.kill('SIGKILL') });
    });
  });
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { commandsOf } from './commands.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What CI does before it gets here, or what this test would be a part of. */
const DONE_ELSEWHERE = ['npm install', 'npm test', 'npm run lint'];

/** Pages that begin with nothing; the others are about data that is there. */
const FROM_NOTHING = ['README.md', 'docs/guide/ingest.md'];

let cwd: string;
let throughNpx = false;
let filled: string | undefined;
let port: number;
let services: ChildProcess[] = [];

/**
 * A test of each page that has commands: each of them ends with 0, in the order of the page.
 * @param pages Their paths below the repository.
 */
export function testPages(pages: readonly string[]): void {
  beforeEach(async () => {
    // A place like the repository's root: `npx eventlake` works there, and nothing else is there yet.
    cwd = await mkdtemp(join(tmpdir(), 'eventlake-docs-'));
    await symlink(join(ROOT, 'node_modules'), join(cwd, 'node_modules'));
    port = await freePort();
  });

  afterEach(async () => {
    await stopServices();
    await rm(cwd, { recursive: true, force: true });
  });

  afterAll(async () => {
    if (filled) await rm(filled, { recursive: true, force: true });
  });

  const withCommands = pages
    .map((page) => ({
      page,
      commands: commandsOf(join(ROOT, page)).filter(({ text }) => !DONE_ELSEWHERE.includes(text)),
    }))
    .filter(({ commands }) => commands.length > 0);

  test.each(withCommands)(
    '$page: every command works as it stands',
    async ({ page, commands }) => {
      throughNpx = page === 'README.md';
      if (!FROM_NOTHING.includes(page)) await fillTables();
      let section = '';
      for (const command of commands) {
        if (command.section !== section) await stopServices();
        section = command.section;
        if (command.isService) await startService(command.text);
        else {
          const { code, output } = await shell(command.text);
          expect(code, `${command.text}\n${output}`).toBe(0);
        }
      }
    },
    600_000,
  );
}

/** Made for the first page that needs it; the others get copies. */
async function fillTables(): Promise<void> {
  const folder = join(cwd, '.eventlake');
  if (filled) return cp(filled, folder, { recursive: true });
  const jobs = ['raw-landing', 'bronze-to-silver', 'silver-to-gold', 'fast-agg'];
  const runs = ['producer --count 1000 --rate 0', ...jobs.map((job) => `${job} --once`)];
  for (const run of runs) {
    const { code, output } = await shell(`npx eventlake run ${run}`);
    expect(code, output).toBe(0);
  }
  filled = await mkdtemp(join(tmpdir(), 'eventlake-docs-filled-'));
  await cp(folder, filled, { recursive: true });
}

/**
 * The port that the pages name may be taken on this machine. And `npx` takes longer than many a command behind it: the
 * README's commands go through it, the other pages' to what it would find.
 */
function spawnShell(command: string): ChildProcess {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('EVENTLAKE_')),
  );
  const script = command.replaceAll('8123', String(port)).replace(/^npm start$/, 'npx eventlake dev');
  const direct = script.replaceAll('npx eventlake', 'node_modules/.bin/eventlake');
  return spawn('bash', ['-e', '-o', 'pipefail', '-c', throughNpx ? script : direct], {
    cwd,
    env: { ...env, NO_COLOR: '1', EVENTLAKE_CLICKHOUSE_PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that the service behind `npx` is stopped, too.
    detached: true,
  });
}

async function shell(command: string): Promise<{ code: number | null; output: string }> {
  const child = spawnShell(command);
  let output = '';
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

/** Goes on when the service has said that it runs. */
async function startService(command: string): Promise<void> {
  const child = spawnShell(command);
  services.push(child);
  const said: string[] = [];
  const lines = createInterface({ input: child.stderr! });
  const needsEndpoint = / (dev|serve)\b|^npm start$/.test(command);
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      said.push(line);
      if (!needsEndpoint || line.includes('ClickHouse answers')) resolve();
    });
    child.once('close', (code) => reject(new Error(`${command} ended with ${code}\n${said.join('\n')}`)));
  });
}

async function stopServices(): Promise<void> {
  const running = services.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  services = [];
  await Promise.all(
    running.map(async (child) => {
      const closed = once(child, 'close');
      process.kill(-child.pid!, 'SIGINT');
      await closed;
    }),
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

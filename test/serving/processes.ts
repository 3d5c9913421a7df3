import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

/** A folder that is removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const { path, remove } = await makeFolder();
  onTestFinished(remove);
  return path;
}

/** A folder, and how to remove it. */
export async function makeFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'eventlake-serving-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

export interface Fixture {
  child: ChildProcess;
  /** Its lines so far. */
  lines: string[];
  /** Resolves with the first line that it prints after the call. */
  nextLine(): Promise<string>;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** Starts `fixtures/<name>.mjs`, which runs what `npm run build` made. It is killed after the test. */
export function startFixture(name: string, args: readonly string[]): Fixture {
  const path = join(import.meta.dirname, 'fixtures', `${name}.mjs`);
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const lines: string[] = [];
  let waiting: ((line: string) => void)[] = [];
  createInterface({ input: child.stdout! }).on('line', (line) => {
    lines.push(line);
    for (const resolve of waiting) resolve(line);
    waiting = [];
  });
  const kill = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await ended;
  };
  onTestFinished(() => (child.exitCode === null && child.signalCode === null ? kill('SIGKILL') : undefined));
  return { child, lines, nextLine: () => new Promise((resolve) => waiting.push(resolve)), kill };
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sessionOf } from '../../docs/session.js';
import { freePorts, kafkaTool } from './broker.js';
import { hasKcat } from './clients.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const cwd = mkdtempSync(join(tmpdir(), 'eventlake-guide-kafka-'));
let services: ChildProcess[] = [];
let ports: number[];

beforeAll(async () => {
  // A place like the repository's root, with nothing in it yet but Kafka's own files, which need not be fetched twice.
  await kafkaTool('org.apache.kafka.tools.TopicCommand', ['--version']);
  for (const name of ['node_modules', 'scripts']) symlinkSync(join(ROOT, name), join(cwd, name));
  mkdirSync(join(cwd, '.cache'));
  mkdirSync(join(cwd, '.cache/kafka'));
  symlinkSync(join(ROOT, '.cache/kafka/4.4.0'), join(cwd, '.cache/kafka/4.4.0'));
  ports = await freePorts(2);
});
afterAll(async () => {
  for (const service of services) await stopped(service);
  const { done } = shell('scripts/kafka stop --kill');
  await done;
  rmSync(cwd, { recursive: true, force: true });
});

test.skipIf(!hasKcat())('what the guide on Kafka tells to type works, and answers as it says', async () => {
  const steps = sessionOf(join(ROOT, 'docs/guide/kafka.md'), 'Try it on this machine');
  expect(steps.length).toBeGreaterThan(5);
  for (const { command, output, isService } of steps) {
    const [, name, value] = /^export (\w+)=(.*)$/.exec(command) ?? [];
    if (name !== undefined) environment[name] = here(value!);
    else if (isService) await startService(command);
    else {
      const { code, printed } = await shell(command).done;
      expect(code, `${command}\n${printed}`).toBe(0);
      expect(unaligned(printed)).toContain(unaligned(here(output)));
    }
  }
  // As somebody would, who is done.
  for (const service of services) await stopped(service);
  services = [];
});

const environment: Record<string, string> = {};
/** The ports that the guide names may be taken on this machine. */
const here = (text: string) => text.replaceAll('9092', String(ports[0]));
const unaligned = (text: string) => text.replace(/ +/g, ' ').trim();

function shell(command: string) {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('EVENTLAKE_')),
  );
  const child = spawn('bash', ['-e', '-o', 'pipefail', '-c', here(command)], {
    cwd,
    env: { ...env, NO_COLOR: '1', EVENTLAKE_CLICKHOUSE_PORT: String(ports[1]), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that the service behind `npx` is stopped, too.
    detached: true,
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
  }
  // Not `close`: the broker that a command has started keeps what it was given.
  const done = once(child, 'exit').then(([code]) => ({ code: code as number | null, printed }));
  return { child, done, printed: () => printed };
}

async function startService(command: string): Promise<void> {
  const { child, done, printed } = shell(command);
  services.push(child);
  while (!printed().includes('ClickHouse answers')) {
    const ended = await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 50))]);
    if (ended) throw new Error(`${command} ended: ${printed()}`);
  }
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  process.kill(-child.pid!, 'SIGINT');
  await ended;
}

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { runScript } from '../prepare/prepared.js';

const script = fileURLToPath(new URL('../../scripts/kafka', import.meta.url));

/** A broker of its own in this folder, stopped afterwards; what it holds stays for the next time. */
export async function withBroker<T>(dir: string, run: (brokers: string) => Promise<T>): Promise<T> {
  const kafka = (command: string) =>
    execFileSync(script, [command, '--dir', dir], {
      stdio: ['ignore', 'pipe', 'inherit'],
      encoding: 'utf8',
    }).trim();
  const brokers = kafka('start');
  try {
    return await run(brokers);
  } finally {
    kafka('stop');
  }
}

/** A broker with so many events of 30 days in its topic: see `fill.ts`. */
export async function withTopic<T>(events: number, run: (brokers: string) => Promise<T>): Promise<T> {
  const cache =
    process.env.EVENTLAKE_BENCH_CACHE ?? fileURLToPath(new URL('../../.cache/bench', import.meta.url));
  return withBroker(`${cache}/kafka-${events}`, async (brokers) => {
    runScript('spark/fill', brokers, String(events));
    return run(brokers);
  });
}

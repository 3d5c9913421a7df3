import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { finished } from '../../cli/eventlake.js';
import { type Broker, startBroker } from './broker.js';
import { expectAllIsWell, type KafkaLake, kafkaLake } from './lake.js';
import { startProxy, type Weather } from './proxy.js';

let broker: Broker;
let lake: KafkaLake;
const running = new Set<ChildProcess>();

beforeEach(async () => {
  broker = await startBroker();
  lake = await kafkaLake(broker.address, 'disturbed');
});
afterEach(async () => {
  for (const child of running) {
    child.kill('SIGKILL');
    running.delete(child);
  }
  await lake.remove();
  await broker.remove();
});

/** The dials of the bad days. */
const DIALS = ['--duplicates', '0.05', '--malformed', '0.01', '--late', '0.02', '--out-of-order', '0.1'];

function launch(
  args: readonly string[],
  instance?: string,
  more: Readonly<Record<string, string>> = {},
  in_: KafkaLake = lake,
): ChildProcess {
  const child = in_.start(args, instance, more);
  running.add(child);
  child.on('close', () => running.delete(child));
  return child;
}

/** Asks it to stop, and waits until it has. */
async function stopped(child: ChildProcess): Promise<void> {
  const end = finished(child);
  child.kill('SIGTERM');
  const { code, stderr, stdout } = await end;
  expect({ code, output: code === 0 ? '' : stderr + stdout }).toEqual({ code: 0, output: '' });
}

async function produced(child: ChildProcess): Promise<void> {
  const { code, stderr, stdout } = await finished(child);
  expect({ code, output: code === 0 ? '' : stderr + stdout }).toEqual({ code: 0, output: '' });
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('a broker is killed ten times while everybody produces and consumes', async () => {
  const count = 60_000;
  const producer = launch([
    'run',
    'producer',
    '--seed',
    '7',
    '--count',
    String(count),
    '--rate',
    '2000',
    ...DIALS,
  ]);
  const done = produced(producer);
  const jobs = ['raw-landing', 'fast-agg'].map((job) => launch(['run', job]));
  for (let kill = 0; kill < 10; kill++) {
    await sleep(700 + 150 * kill);
    await broker.kill();
    await broker.restart();
  }
  await done;
  await Promise.all(jobs.map(stopped));
  await expectAllIsWell(lake, broker.address, count);
});

test('the network is slow, stalls, and breaks', async () => {
  await broker.remove();
  let port = 0;
  const proxy = await startProxy(() => port);
  onTestFinished(() => proxy.close());
  broker = await startBroker({
    properties: { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${proxy.port}` },
  });
  port = Number(broker.address.split(':')[1]);
  await lake.remove();
  lake = await kafkaLake(`127.0.0.1:${proxy.port}`, 'disturbed');
  const count = 40_000;
  const producer = launch([
    'run',
    'producer',
    '--seed',
    '8',
    '--count',
    String(count),
    '--rate',
    '2000',
    ...DIALS,
  ]);
  const done = produced(producer);
  const job = launch(['run', 'raw-landing']);
  // A stall is longer than the time limit of a request.
  const days: [Weather, number][] = [
    ...([
      ['slow', 2_000],
      ['stalled', 4_500],
      ['fine', 500],
      ['cut', 1_500],
      ['fine', 1_000],
    ] as [Weather, number][]),
    ...([
      ['stalled', 1_500],
      ['cut', 100],
      ['fine', 300],
      ['cut', 100],
      ['slow', 1_000],
    ] as [Weather, number][]),
  ];
  for (const [weather, ms] of days) {
    proxy.weather = weather;
    await sleep(ms);
  }
  proxy.weather = 'fine';
  await done;
  await stopped(job);
  await expectAllIsWell(lake, broker.address, count);
});

test('three instances of a job: the active one is stopped, overtaken, and goes on', async () => {
  const count = 60_000;
  const producer = launch([
    'run',
    'producer',
    '--seed',
    '9',
    '--count',
    String(count),
    '--rate',
    '2500',
    ...DIALS,
  ]);
  const done = produced(producer);
  let active: ChildProcess | undefined;
  const instances = ['a', 'b', 'c'].map((instance) => {
    const child = launch(['run', 'raw-landing'], instance, { EVENTLAKE_LOG_LEVEL: 'debug' });
    const lines: string[] = [];
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface(stream).on('line', (line) => {
        lines.push(line);
        if (/raw-landing batch \d+:/.test(line)) active = child;
      });
    }
    return { child, lines };
  });
  for (let round = 0; round < 3; round++) {
    await until(() => active !== undefined);
    const asleep = active!;
    asleep.kill('SIGSTOP');
    active = undefined;
    // Somebody else takes over.
    await until(() => active !== undefined && active !== asleep);
    asleep.kill('SIGCONT');
    await sleep(1_000);
  }
  await done;
  // Whoever was overtaken noticed, and nobody ended.
  expect(
    instances.filter(({ lines }) => lines.some((line) => line.includes('stands by'))).length,
  ).toBeGreaterThan(0);
  for (const { child } of instances) {
    expect(child.exitCode).toBeNull();
    const closed = once(child, 'close');
    child.kill('SIGTERM');
    expect((await closed)[0]).toBe(0);
  }
  await expectAllIsWell(lake, broker.address, count);
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(50);
}

const STEPS = {
  'raw-landing': [
    ...['before-plan', 'after-plan', 'after-prepare', 'after-quarantine-commit'],
    ...['after-gaps-commit', 'after-commit', 'after-position'],
  ],
  'fast-agg': ['before-plan', 'after-plan', 'after-position'],
};

test('a job is killed at each of its durable steps', async () => {
  const steps = Object.entries(STEPS).flatMap(([job, names]) => names.map((name) => [job, name] as const));
  let count = 0;
  for (const [i, [job, step]] of steps.entries()) {
    await lake.run(['run', 'producer', '--seed', String(i), '--count', '3000', '--rate', '0', ...DIALS]);
    count += 3_000;
    const killed = launch(['run', job, '--once'], 'main', { EVENTLAKE_CRASH_AT: `${job}:${step}` });
    expect([step, (await finished(killed)).signal]).toEqual([step, 'SIGKILL']);
  }
  await expectAllIsWell(lake, broker.address, count);
});

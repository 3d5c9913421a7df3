/**
 * From acknowledged to readable in bronze at 1,000 events/s, over Kafka: our raw-landing by either engine, or a stream in
 * PySpark. This process appends, and looks every few milliseconds how many rows the newest version of the table has.
 *
 * `jiti bench/spark/freshness.ts duckdb|spark|pyspark <seconds>`
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { localStore, openTable } from '@eventlake/delta';
import userEvents from '@eventlake/user-events';
import { openLog, provideTopic } from '../../packages/eventlake/dist/components.js';
import { loadSettings } from '../../packages/eventlake/dist/config.js';
import { quantile } from '../lib/rounds.js';
import { startServer } from './server.js';
import { withBroker } from './topic.js';

const [side, seconds] = [process.argv[2] as 'duckdb' | 'spark' | 'pyspark', Number(process.argv[3])];
const RATE = 1_000;
const BATCH = 20;
/** Sent and landed before anything is measured: a JVM is slow at first. */
const WARM_UP_SECONDS = 15;
const root = fileURLToPath(new URL('../../', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'eventlake-bench-'));
const { topic } = userEvents.event;

await withBroker(join(work, 'kafka'), measure);
rmSync(work, { recursive: true });

async function measure(brokers: string): Promise<void> {
  const env = { EVENTLAKE_LOG_KAFKA_BROKERS: brokers };
  const { settings } = await loadSettings({ cwd: work, env });
  const log = await openLog(settings);
  await provideTopic(log, topic, settings);
  const dials = { duplicates: 0, malformed: 0, late: 0, outOfOrder: 0 };
  const shop = userEvents.simulate!({ seed: 1, startMs: Date.now(), users: 10_000, ...dials });
  const server = side === 'spark' ? await startServer(work) : undefined;
  const lander = start(brokers, server?.url);
  const landed = watch(side === 'pyspark' ? 'bronze' : 'lakehouse/bronze/user_events');
  const acknowledged: { atMs: number; count: number }[] = [];
  try {
    let sent = 0;
    const send = async (forSeconds: number, times?: typeof acknowledged) => {
      const [beganMs, first] = [performance.now(), sent];
      while (sent < first + forSeconds * RATE) {
        const dueMs = beganMs + ((sent - first) / RATE) * 1000;
        if (dueMs > performance.now()) await sleep(dueMs - performance.now());
        await log.append(topic, shop.next(BATCH, Date.now()));
        sent += BATCH;
        times?.push({ atMs: performance.now(), count: sent });
      }
    };
    await send(WARM_UP_SECONDS);
    await landed.until(sent, lander);
    await send(WARM_UP_SECONDS);
    await send(seconds, acknowledged);
    await landed.until(sent, lander);
  } finally {
    // With the JVM that Python has started, which would outlive it.
    process.kill(-lander.pid!, 'SIGKILL');
    server?.stop();
    await landed.stop();
    await log.close();
  }
  const times = acknowledged.map(
    ({ atMs, count }) => landed.samples.find((sample) => sample.count >= count)!.atMs - atMs,
  );
  const figures = { p50Ms: quantile(times, 0.5), p95Ms: quantile(times, 0.95), p99Ms: quantile(times, 0.99) };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

function start(brokers: string, sparkUrl: string | undefined): ChildProcess {
  if (side === 'pyspark') {
    const args = [join(root, 'bench/spark/stream.py'), brokers, topic, work, join(root, '.cache/spark/jars')];
    return spawn(join(root, '.cache/spark/venv/bin/python'), args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      detached: true,
    });
  }
  const bin = join(root, 'packages/eventlake/bin/eventlake.js');
  const env = {
    ...process.env,
    EVENTLAKE_DATA_DIR: work,
    EVENTLAKE_ENGINE: side,
    EVENTLAKE_LOG_KAFKA_BROKERS: brokers,
    ...(sparkUrl && { EVENTLAKE_SPARK_URL: sparkUrl }),
  };
  return spawn(process.execPath, [bin, 'run', 'raw-landing'], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  });
}

function watch(table: string) {
  const store = localStore(work);
  const samples: { atMs: number; count: number }[] = [];
  let going = true;
  const loop = (async () => {
    while (going) {
      const count = await openTable(store, table)
        .then((opened) => opened.snapshot())
        .then((snapshot) => snapshot.recordCount ?? 0)
        .catch(() => 0); // Not there yet.
      samples.push({ atMs: performance.now(), count });
      await sleep(20);
    }
  })();
  return {
    samples,
    async until(target: number, lander: ChildProcess) {
      while ((samples.at(-1)?.count ?? 0) < target) {
        if (lander.exitCode !== null) throw new Error(`${side} ended with ${lander.exitCode}`);
        await sleep(20);
      }
    },
    async stop() {
      going = false;
      await loop;
    },
  };
}

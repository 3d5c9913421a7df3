/**
 * Claim: 50 dashboards, each sending the live query once a second over a day of windows, see a p99 under 100 ms; one client
 * alone sees a p50 under 8 ms; a million rows in Native come at 80 % at least of the rows/s that chdb itself streams in
 * its own process.
 *
 * The endpoint is a process of its own with a day of increments as fast-agg leaves them, and one inserts every 200 ms while
 * it is asked, as fast-agg does. `all the same` is 50 dashboards of one range, whose text changes each second; `all different`
 * is as many ranges as dashboards, which no cache helps. `share` compares by the clock, `cpuShare` by the CPU of the two
 * processes that stream: on a machine that does other things too, only the latter means anything.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { readWriterSecret } from '../packages/eventlake/dist/serving/endpoint/endpoint-file.js';
import { median, publish, quantile } from './lib/rounds.js';

const SECONDS = Number(process.argv[2] ?? 30);
const ROUNDS = Number(process.argv[3] ?? 3);
const DASHBOARDS = 50;
const STREAM_ROWS = 1_000_000;
const STREAMS = 21;
const LIVE_QUERIES = 200;
/** A day of windows of four types, at two bytes a row at least. */
const LIVE_BYTES_MIN = 2 * 4 * 1440;
const STREAM_SQL = `SELECT number, toString(number) AS s, toDateTime64(number, 6) AS t, number % 7 AS k FROM numbers(${STREAM_ROWS})`;

const bin = fileURLToPath(new URL('../packages/eventlake/bin/eventlake.js', import.meta.url));
const agent = new Agent({ keepAlive: true, maxSockets: DASHBOARDS });
const rounds: Record<string, number>[] = [];
for (let round = 0; round < ROUNDS; round++) {
  rounds.push(await measure(round));
  process.stderr.write(`round ${round + 1} ${JSON.stringify(rounds.at(-1))}\n`);
}
agent.destroy();
publish(
  'endpoint',
  Object.fromEntries(
    Object.keys(rounds[0]!).map((key) => [key, median(rounds.map((figures) => figures[key]!))]),
  ),
  rounds,
);

async function measure(round: number): Promise<Record<string, number>> {
  const dataDir = mkdtempSync(join(tmpdir(), 'eventlake-endpoint-'));
  const server = spawn(process.execPath, [bin, 'serve', '--data-dir', dataDir, '--port', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    const url = await addressOf(server);
    await fill(url, dataDir);
    const one = await alone(url);
    const same = await dashboards(url, dataDir, () => 0);
    const different = await dashboards(url, dataDir, (i) => i);
    const inProcessFirst = round % 2 === 1 ? await streamedByItself(dataDir) : undefined;
    const ours = await streamed(url, server.pid!);
    const inProcess = inProcessFirst ?? (await streamedByItself(dataDir));
    server.kill('SIGTERM');
    await once(server, 'exit');
    const live = Array.from({ length: LIVE_QUERIES }, (_, i) => liveQuery(i));
    const itself = await chdbItself(join(dataDir, 'clickhouse', 'data'), LIVE_BYTES_MIN, live);
    return {
      inProcessP50Ms: itself.ms,
      aloneP50Ms: quantile(one, 0.5),
      aloneP99Ms: quantile(one, 0.99),
      sameP50Ms: quantile(same, 0.5),
      sameP99Ms: quantile(same, 0.99),
      differentP50Ms: quantile(different, 0.5),
      differentP99Ms: quantile(different, 0.99),
      rowsPerSecond: (STREAM_ROWS / ours.ms) * 1000,
      inProcessRowsPerSecond: (STREAM_ROWS / inProcess.ms) * 1000,
      share: inProcess.ms / ours.ms,
      cpuMs: ours.cpuMs,
      inProcessCpuMs: inProcess.cpuMs,
      cpuShare: inProcess.cpuMs / ours.cpuMs,
    };
  } finally {
    server.kill('SIGKILL');
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** A day of windows: an increment for each of four types every 200 ms, as if none had been merged before. */
async function fill(url: string, dataDir: string): Promise<void> {
  const client = await writerOf(url, dataDir);
  await client.command({
    query: `INSERT INTO realtime.events_per_minute (window_start, window_end, event_type, event_count)
      SELECT toStartOfMinute(now() - number * 0.05) AS w, w + 60,
        ['login', 'click', 'purchase', 'logout'][number % 4 + 1], 1 + number % 40
      FROM numbers(1728000)`,
  });
  await client.close();
}

/** To the letter what Grafana sends for the panel, its range being a day that ends now. */
function liveQuery(shiftSeconds: number): string {
  const now = Math.floor(Date.now() / 1000) - shiftSeconds;
  return `SELECT window_start as time, event_type as metric, sum(event_count) as value FROM realtime.events_per_minute
WHERE window_start >= toDateTime(${now - 86_400}) AND window_start <= toDateTime(${now})
GROUP BY window_start, event_type ORDER BY window_start ASC`;
}

/** One client, question after question, none of them twice: what the engine and the way to it take. */
async function alone(url: string): Promise<number[]> {
  const latencies: number[] = [];
  const endMs = performance.now() + (SECONDS * 1000) / 3;
  for (let i = 0; performance.now() < endMs; i++) latencies.push(await timed(url, liveQuery(i % 3600)));
  return latencies.slice(20);
}

async function dashboards(url: string, dataDir: string, shift: (i: number) => number): Promise<number[]> {
  const writer = await insertOften(url, dataDir);
  const latencies: number[] = [];
  const startMs = performance.now() + 1000;
  const dashboard = async (i: number) => {
    for (let tick = 0; tick < SECONDS; tick++) {
      const dueMs = startMs + tick * 1000 + (i * 1000) / DASHBOARDS;
      await sleep(Math.max(0, dueMs - performance.now()));
      // From when it should have been sent: a slow answer must not hide the ones behind it.
      await timed(url, liveQuery(shift(i)));
      if (tick > 1) latencies.push(performance.now() - dueMs);
    }
  };
  await Promise.all(Array.from({ length: DASHBOARDS }, (_, i) => dashboard(i)));
  await writer.stop();
  return latencies;
}

async function insertOften(url: string, dataDir: string): Promise<{ stop(): Promise<void> }> {
  const client = await writerOf(url, dataDir);
  let going = true;
  const loop = (async () => {
    while (going) {
      const window = Math.floor(Date.now() / 60_000) * 60;
      const values = ['login', 'click', 'purchase', 'logout'].map((event_type) => {
        return { window_start: window, window_end: window + 60, event_type, event_count: 10 };
      });
      await client.insert({ table: 'realtime.events_per_minute', values, format: 'JSONEachRow' });
      await sleep(200);
    }
  })();
  return {
    async stop() {
      going = false;
      await loop;
      await client.close();
    },
  };
}

async function writerOf(url: string, dataDir: string) {
  return createClient({
    url,
    username: 'writer',
    password: await readWriterSecret(dataDir),
    log: { level: ClickHouseLogLevel.OFF },
  });
}

/** @returns milliseconds to the last byte */
function timed(url: string, query: string): Promise<number> {
  const startMs = performance.now();
  return new Promise((resolve, reject) => {
    const outgoing = request(`${url}/?default_format=Native`, { method: 'POST', agent }, (response) => {
      if (response.statusCode !== 200) return reject(new Error(`status ${response.statusCode}`));
      response.on('end', () => resolve(performance.now() - startMs)).resume();
    });
    outgoing.on('error', reject).end(query);
  });
}

/** What one stream takes: the median by the clock, and the mean of the CPU of the process that makes it, without its client. */
interface Stream {
  ms: number;
  cpuMs: number;
}

async function streamed(url: string, pid: number): Promise<Stream> {
  for (let i = 0; i < 3; i++) await counted(url, STREAM_SQL);
  const ms: number[] = [];
  const cpuMs = cpuMsOf(pid);
  for (let i = 0; i < STREAMS; i++) ms.push(await counted(url, STREAM_SQL));
  return { ms: median(ms), cpuMs: (cpuMsOf(pid) - cpuMs) / STREAMS };
}

/** User and system time so far, as Linux counts it, in hundredths of a second. */
function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** By a client that does nothing but count, as the other side does. @returns milliseconds to the last byte */
function counted(url: string, query: string): Promise<number> {
  const { hostname, port } = new URL(url);
  const startMs = performance.now();
  let bytes = 0;
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: hostname,
      port: Number(port),
      onread: {
        buffer: Buffer.alloc(1 << 20),
        callback: (read) => {
          bytes += read;
          return true;
        },
      },
    });
    socket.on('error', reject);
    socket.on('end', () => {
      if (bytes < STREAM_ROWS) reject(new Error(`only ${bytes} bytes came`));
      else resolve(performance.now() - startMs);
    });
    const path = '/?default_format=Native&use_query_cache=0';
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${query.length}\r\n\r\n${query}`,
    );
  });
}

/** The same rows from chdb's own stream. */
function streamedByItself(dataDir: string): Promise<Stream> {
  return chdbItself(join(dataDir, 'chdb'), STREAM_ROWS, Array<string>(STREAMS).fill(STREAM_SQL));
}

/** chdb in a process that does nothing else. */
async function chdbItself(folder: string, bytesMin: number, queries: readonly string[]): Promise<Stream> {
  const script = fileURLToPath(new URL('./endpoint/chdb-stream.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, folder, String(bytesMin), JSON.stringify(queries)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  for await (const chunk of child.stdout) printed += chunk;
  return JSON.parse(printed) as Stream;
}

async function addressOf(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stderr! })) {
    const { url } = JSON.parse(line) as { url?: string };
    if (url) {
      child.stderr!.resume();
      return url;
    }
  }
  throw new Error('the endpoint ended');
}

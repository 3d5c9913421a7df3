import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@clickhouse/client';
import { expect, test } from 'vitest';
import { readWriterSecret } from '../../packages/eventlake/src/serving/endpoint/endpoint-file.js';
import { startFixture, temporaryFolder } from './processes.js';

const CLIENTS = 500;
/** A minute where it is asked for; what grows, grows in less. */
const SECONDS = Number(process.env.EVENTLAKE_LOAD_SECONDS ?? 15);
/** Beyond what the first seconds have needed: caches and pools are warm then. */
const GROWTH_MIB_MAX = 150;
const SLOWEST_TO_MEDIAN_MAX = 3;

test(`${CLIENTS} clients at once: no crash, no growth, nobody is left behind`, async () => {
  const dataDir = await temporaryFolder();
  const endpoint = startFixture('endpoint-process', [dataDir]);
  const url = await endpoint.nextLine();
  const writer = createClient({ url, username: 'writer', password: await readWriterSecret(dataDir) });
  await writer.command({ query: 'CREATE DATABASE realtime' });
  await writer.command({
    query:
      'CREATE TABLE realtime.t (w DateTime, k String, n UInt64) ENGINE = SummingMergeTree(n) ORDER BY (w, k)',
  });
  await writer.command({
    query:
      "INSERT INTO realtime.t SELECT toStartOfMinute(now() - number), 'k' || number % 4, 1 FROM numbers(86400)",
  });
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS + 10 });
  const startMs = performance.now();
  const warmMs = startMs + Math.min(8000, (SECONDS * 1000) / 2);
  const endMs = startMs + SECONDS * 1000;
  const unexpected: string[] = [];
  let leavers = 0;

  const client = async (i: number): Promise<{ answers: number; meanMs: number }> => {
    let answers = 0;
    let totalMs = 0;
    for (let turn = 0; performance.now() < endMs; turn++) {
      const askedMs = performance.now();
      const { query, status, leaves } = question(i, turn);
      const answer = await ask(url, agent, query, leaves);
      if (leaves) leavers++;
      else if (answer !== status) unexpected.push(`${answer} for ${query}`);
      else {
        answers++;
        totalMs += performance.now() - askedMs;
      }
    }
    return { answers, meanMs: totalMs / answers };
  };
  const inserting = (async () => {
    while (performance.now() < endMs) {
      const now = Math.floor(Date.now() / 1000);
      await writer.insert({
        table: 'realtime.t',
        values: [{ w: now, k: 'k1', n: 1 }],
        format: 'JSONEachRow',
      });
      await sleep(200);
    }
  })();
  const clients = Array.from({ length: CLIENTS }, (_, i) => client(i));
  await sleep(warmMs - performance.now());
  const warmMib = residentMib(endpoint.child.pid!);
  const served = await Promise.all(clients);
  await inserting;
  agent.destroy();
  await writer.close();
  const endMib = residentMib(endpoint.child.pid!);

  expect(unexpected.slice(0, 5)).toEqual([]);
  expect(leavers).toBeGreaterThan(0);
  expect(endpoint.child.exitCode).toBeNull();
  expect(served.filter(({ answers }) => answers === 0)).toEqual([]);
  const means = served.map(({ meanMs }) => meanMs).sort((a, b) => a - b);
  expect(means.at(-1)! / means[means.length >> 1]!).toBeLessThan(SLOWEST_TO_MEDIAN_MAX);
  expect(endMib - warmMib).toBeLessThan(GROWTH_MIB_MAX);
  // Nothing of theirs is left behind: it answers as before, and stops at once.
  expect(await ask(url, undefined, 'SELECT sum(n) FROM realtime.t', false)).toBe(200);
  await endpoint.kill('SIGTERM');
  expect(endpoint.child.exitCode).toBe(0);
});

test.each(['Native', 'JSONEachRow', 'RowBinaryWithNamesAndTypes'])(
  'a result of a gigabyte in %s takes no memory of its size',
  async (format) => {
    const endpoint = startFixture('endpoint-process', [await temporaryFolder()]);
    const url = await endpoint.nextLine();
    const rows = (count: number) =>
      `SELECT number, repeat('x', 1000) AS text FROM numbers(${count}) FORMAT ${format}`;
    expect(await ask(url, undefined, rows(100_000))).toBe(200);
    const before = residentMib(endpoint.child.pid!);
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, residentMib(endpoint.child.pid!));
    }, 20);
    expect(await ask(url, undefined, rows(1_000_000))).toBe(200);
    clearInterval(watch);
    expect(most).toBeGreaterThan(0);
    expect(most - before).toBeLessThan(GROWTH_MIB_MAX);
  },
);

interface Question {
  query: string;
  status: number;
  /** Goes away without waiting for the answer. */
  leaves?: boolean;
}

/** What dashboards ask, some of it wrong; each client in another order, so that nobody has the easy ones. */
function question(client: number, turn: number): Question {
  const kind = (client + turn) % 20;
  if (kind === 0) return { query: 'SELECT nothing FROM realtime.t', status: 404 };
  if (kind === 1)
    return { query: 'SELECT sum(sipHash64(number)) FROM numbers(100000000)', status: 0, leaves: true };
  if (kind === 2)
    return { query: `SELECT number, toString(number) FROM numbers(${20_000 + turn})`, status: 200 };
  const hours = kind < 12 ? 24 : 1 + ((client * 7 + turn) % 100) / 10;
  return {
    query: `SELECT w AS time, k AS metric, sum(n) AS value FROM realtime.t
      WHERE w >= toDateTime(${Math.floor(Date.now() / 1000 - hours * 3600)}) GROUP BY w, k ORDER BY w`,
    status: 200,
  };
}

/** @returns the status, 0 for who has left */
function ask(url: string, agent: Agent | undefined, query: string, leaves = false): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'POST', ...(agent ? { agent } : {}) }, (response) => {
      response.on('end', () => resolve(response.statusCode!)).on('error', reject);
      response.resume();
    });
    outgoing.on('error', (error) => (leaves ? resolve(0) : reject(error)));
    outgoing.end(query);
    if (leaves) setTimeout(() => outgoing.destroy(new Error('gone')), 20);
  });
}

function residentMib(pid: number): number {
  const [, kb] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return Number(kb) / 1024;
}

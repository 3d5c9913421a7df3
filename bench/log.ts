/**
 * Claim: the embedded log takes and gives events at a good part of the speed of LMDB itself, given the same bytes in the
 * same blocks: an append splits by key, checks, stamps and flushes; a read checks every byte.
 *
 * `npx jiti bench/log.ts [events] [rounds]`, after `npm run build`. Each case runs in a fresh process, the order reversed
 * from round to round. Prints one JSON object: machine, medians, ratios and all raw rounds. MB are 10^6 bytes of values.
 */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { open } from 'lmdb';
import { openEmbeddedLog } from '../packages/eventlake/dist/log/embedded-log.js';
import { recordBatch } from '../packages/eventlake/dist/log/record-batch.js';

const BLOCK_EVENTS = 500;
const IN_FLIGHT = 4;
const CASES = ['eventlake', 'lmdb'] as const;

type Figures = { appendMBs: number; appendEventsPerSecond: number; appendP50Ms: number; readMBs: number };
type Run = {
  append: (i: number) => Promise<unknown>;
  /** @returns Bytes of values that were read. */
  read: () => Promise<number>;
  close: () => Promise<void>;
};

const [eventsText = '500000', roundsText = '5', only] = process.argv.slice(2);
const blocks = Math.ceil(Number(eventsText) / BLOCK_EVENTS);
const batch = recordBatch(Array.from({ length: BLOCK_EVENTS }, (_, i) => event(i)));
if (only) process.stdout.write(JSON.stringify(await measure(only === 'lmdb' ? rawLmdb : embeddedLog)));
else compare(Number(roundsText));

function compare(rounds: number): void {
  const raw: ({ case: string } & Figures)[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? CASES : [...CASES].reverse()) {
      const args = ['jiti', fileURLToPath(import.meta.url), eventsText, '1', name];
      raw.push({ case: name, ...(JSON.parse(execFileSync('npx', args, { encoding: 'utf8' })) as Figures) });
    }
  }
  const median = (name: string, figure: keyof Figures) => {
    const sorted = raw.filter((round) => round.case === name).map((round) => round[figure]);
    return sorted.sort((a, b) => a - b)[sorted.length >> 1]!;
  };
  const figures = ['appendMBs', 'appendEventsPerSecond', 'appendP50Ms', 'readMBs'] as const;
  const medians = Object.fromEntries(
    CASES.map((name) => [name, Object.fromEntries(figures.map((figure) => [figure, median(name, figure)]))]),
  );
  const ratio = (figure: keyof Figures) => median('eventlake', figure) / median('lmdb', figure);
  const summary = {
    machine: { cpu: cpus()[0]?.model, cores: cpus().length, memoryBytes: totalmem(), node: process.version },
    events: blocks * BLOCK_EVENTS,
    blockBytes: batch.values.length,
    medians,
    ratios: { append: ratio('appendMBs'), read: ratio('readMBs') },
    rounds: raw,
  };
  process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
}

async function measure(start: (dir: string) => Promise<Run>): Promise<Figures> {
  const dir = mkdtempSync(join(tmpdir(), 'eventlake-bench-log-'));
  const run = await start(dir);
  for (let i = 0; i < 20; i++) await run.append(i);
  const latenciesMs: number[] = [];
  const appendS = await seconds(async () => {
    let next = 20;
    const worker = async () => {
      for (let i = next++; i < 20 + blocks; i = next++) {
        latenciesMs.push(1000 * (await seconds(() => run.append(i))));
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  });
  let bytesRead = 0;
  const readS = await seconds(async () => {
    bytesRead = await run.read();
  });
  await run.close();
  rmSync(dir, { recursive: true });
  latenciesMs.sort((a, b) => a - b);
  return {
    appendMBs: (blocks * batch.values.length) / 1e6 / appendS,
    appendEventsPerSecond: Math.round((blocks * BLOCK_EVENTS) / appendS),
    appendP50Ms: latenciesMs[latenciesMs.length >> 1]!,
    readMBs: bytesRead / 1e6 / readS,
  };
}

async function embeddedLog(dir: string): Promise<Run> {
  const log = await openEmbeddedLog({ dir });
  await log.createTopic('events', { partitions: 4 });
  return {
    append: () => log.append('events', batch),
    read: async () => {
      let bytes = 0;
      for (const { partition, startOffset: from, endOffset: to } of (await log.topic('events')).partitions) {
        for await (const block of log.read('events', { partition, from, to })) bytes += block.values.length;
      }
      return bytes;
    },
    close: () => log.close(),
  };
}

/** The same bytes under the same durability, one value a block, nothing else. */
async function rawLmdb(dir: string): Promise<Run> {
  const db = open<Uint8Array, number>({
    path: dir,
    mapSize: 2 ** 40,
    overlappingSync: false,
    eventTurnBatching: false,
    encoding: 'binary',
  });
  return {
    append: (i) => db.put(i, batch.values),
    read: async () => {
      let bytes = 0;
      for (const { value } of db.getRange({})) bytes += value.length;
      return bytes;
    },
    close: () => db.close(),
  };
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return (performance.now() - from) / 1000;
}

function event(i: number): { key: string; value: string } {
  const type = ['login', 'click', 'purchase', 'logout'][i % 4]!;
  const timestamp = '2026-01-05T10:00:00.000000+00:00';
  const value = {
    event_id: randomUUID(),
    user_id: i,
    event_type: type,
    page: `/products/${i}`,
    timestamp,
    source: 'web',
  };
  return { key: type, value: JSON.stringify(value) };
}

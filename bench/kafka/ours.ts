/** One side of `bench/kafka.ts`: `ours.ts consume|produce <address> <topic> <file> <compression>`. Prints its figures. */
import { createReadStream } from 'node:fs';
import { settingsSchema } from '../../packages/eventlake/dist/config/schema.js';
import type { RecordBatch } from '../../packages/eventlake/dist/log/event-log.js';
import { openKafkaLog } from '../../packages/eventlake/dist/log/kafka-log.js';

const [command, address, topic = '', file = '', compression] = process.argv.slice(2);
// What is read may be compressed in ways in which this Node cannot write.
const produced = command === 'produce' ? { compression } : {};
const settings = settingsSchema.parse({ log: { kafka: { brokers: address, ...produced } } }).log.kafka;
const log = await openKafkaLog(settings);

const KEYS = ['login', 'click', 'purchase', 'logout'];
const READ_BYTES = 256 * 1024;
const IN_FLIGHT = 4;

const figures = command === 'consume' ? await consume() : await produce();
await log.close();
process.stdout.write(`${JSON.stringify(figures)}\n`);

async function consume(): Promise<Record<string, number>> {
  const { partitions } = await log.topic(topic);
  const measured = stopwatch();
  let bytes = 0;
  let records = 0;
  for (const { partition, startOffset: from, endOffset: to } of partitions) {
    for await (const block of log.read(topic, { partition, from, to })) {
      bytes += block.values.length;
      records += block.count;
    }
  }
  return measured(bytes, records);
}

async function produce(): Promise<Record<string, number>> {
  await log.createTopic(topic, { partitions: 4 });
  const measured = stopwatch();
  const batches = batchesOf(file);
  let bytes = 0;
  let records = 0;
  const worker = async () => {
    for (let next = await batches.next(); !next.done; next = await batches.next()) {
      bytes += next.value.values.length;
      records += next.value.count;
      await log.append(topic, next.value);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  return measured(bytes, records);
}

/** The lines of a file as they are read, as kcat reads them: the whole file is never held. */
async function* batchesOf(path: string): AsyncGenerator<RecordBatch, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES })) {
    const bytes = Buffer.concat([rest, chunk as Buffer]);
    const end = bytes.lastIndexOf(10) + 1;
    rest = bytes.subarray(end);
    if (end > 0) yield batchOf(bytes.subarray(0, end));
  }
}

function batchOf(lines: Buffer): RecordBatch {
  const values = new Uint8Array(lines.length);
  const bounds = [0];
  let to = 0;
  for (let from = 0; from < lines.length; ) {
    const end = lines.indexOf(10, from);
    values.set(lines.subarray(from, end), to);
    to += end - from;
    bounds.push(to);
    from = end + 1;
  }
  const count = bounds.length - 1;
  const keys = Array.from({ length: count }, (_, i) => KEYS[i % KEYS.length]!);
  return { count, values: values.subarray(0, to), bounds: Uint32Array.from(bounds), keys };
}

function stopwatch() {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  return (bytes: number, records: number) => {
    const seconds = (performance.now() - startedMs) / 1_000;
    const { user, system } = process.cpuUsage(before);
    return {
      mbPerSecond: bytes / 1e6 / seconds,
      cpuSeconds: (user + system) / 1e6,
      records,
      peakRssMb: process.resourceUsage().maxRSS / 1024,
    };
  };
}

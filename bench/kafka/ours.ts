/** One side of `bench/kafka.ts`: `ours.ts consume|produce <address> <topic> <file> <compression>`. Prints its figures. */
import { readFileSync } from 'node:fs';
import { settingsSchema } from '../../packages/eventlake/dist/config/schema.js';
import { openKafkaLog } from '../../packages/eventlake/dist/log/kafka-log.js';

const [command, address, topic = '', file = '', compression] = process.argv.slice(2);
// What is read may be compressed in ways in which this Node cannot write.
const produced = command === 'produce' ? { compression } : {};
const settings = settingsSchema.parse({ log: { kafka: { brokers: address, ...produced } } }).log.kafka;
const log = await openKafkaLog(settings);

const KEYS = ['login', 'click', 'purchase', 'logout'];
const BATCH_RECORDS = 2_000;
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
  const all = readFileSync(file);
  const ends: number[] = [];
  for (let at = all.indexOf(10); at >= 0; at = all.indexOf(10, at + 1)) ends.push(at);
  const batchOf = (first: number) => {
    const count = Math.min(BATCH_RECORDS, ends.length - first);
    const from = first === 0 ? 0 : ends[first - 1]! + 1;
    const values = new Uint8Array(ends[first + count - 1]! - from);
    const bounds = new Uint32Array(count + 1);
    let to = 0;
    for (let i = 0; i < count; i++) {
      const start = first + i === 0 ? 0 : ends[first + i - 1]! + 1;
      values.set(all.subarray(start, ends[first + i]), to);
      to += ends[first + i]! - start;
      bounds[i + 1] = to;
    }
    const keys = Array.from({ length: count }, (_, i) => KEYS[(first + i) % KEYS.length]!);
    return { count, values: values.subarray(0, to), bounds, keys };
  };
  await log.createTopic(topic, { partitions: 4 });
  const measured = stopwatch();
  let next = 0;
  const worker = async () => {
    while (next < ends.length) {
      const first = next;
      next += BATCH_RECORDS;
      await log.append(topic, batchOf(first));
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  return measured(all.length - ends.length, ends.length);
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

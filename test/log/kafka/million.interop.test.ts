import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pipeline from '@eventlake/user-events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openKafkaLog } from '../../../packages/eventlake/src/log/kafka-log.js';
import { type Broker, startBroker } from './broker.js';
import { kafkaSettings } from './client.js';
import { hasKcat, kcat, setUpClients } from './clients.js';
import { type KafkaLake, kafkaLake, topic } from './lake.js';

setUpClients();

const RECORDS = Number(process.env.EVENTLAKE_TEST_KAFKA_RECORDS ?? 1_000_000);
const HALF = RECORDS / 2;
/** No record has these in it. */
const END_OF_KEY = Buffer.from([0x1f, 0x1d, 0x1f]);
const END_OF_RECORD = Buffer.from([0x1e, 0x1d, 0x1e]);
const dials = { duplicates: 0.05, malformed: 0.01, late: 0.02, outOfOrder: 0.1 };

let broker: Broker;
let lake: KafkaLake;
beforeAll(async () => {
  broker = await startBroker();
  lake = await kafkaLake(broker.address, 'eventlake');
});
afterAll(async () => {
  await lake?.remove();
  await broker?.remove();
});

test.skipIf(!hasKcat())(
  'a million records of bad days, half of them by kcat, all accounted for',
  async () => {
    const flags = Object.entries(dials).flatMap(([name, share]) => [
      `--${name.replace('outOfOrder', 'out-of-order')}`,
      String(share),
    ]);
    await lake.run(['run', 'producer', '--seed', '1', '--count', String(HALF), '--rate', '0', ...flags]);
    const file = join(tmpdir(), `eventlake-million-${process.pid}`);
    writeFileSync(file, simulated());
    const hex = (bytes: Buffer) => [...bytes].map((byte) => `\\x${byte.toString(16)}`).join('');
    const delimiters = ['-D', hex(END_OF_RECORD), '-K', hex(END_OF_KEY)];
    kcat([
      '-P',
      '-b',
      broker.address,
      '-t',
      topic,
      '-z',
      'zstd',
      ...delimiters,
      '-X',
      'partitioner=murmur2',
      '-l',
      file,
    ]);
    rmSync(file);

    const log = await openKafkaLog(kafkaSettings({ brokers: [broker.address] }));
    const { partitions } = await log.topic(topic);
    await log.close();
    expect(partitions.reduce((sum, { endOffset }) => sum + endOffset, 0)).toBe(RECORDS);
    await lake.settleAndVerify();
  },
);

/** The other half, of another shop, as kcat takes it. */
function simulated(): Buffer {
  const startMs = Date.UTC(2025, 2, 1);
  const simulation = pipeline.simulate!({ seed: 2, startMs, users: 1_000, ...dials });
  const parts: Uint8Array[] = [];
  for (let made = 0; made < HALF; ) {
    const { count, values, bounds, keys } = simulation.next(Math.min(2_000, HALF - made), startMs + made);
    for (let i = 0; i < count; i++) {
      if (parts.length > 0) parts.push(END_OF_RECORD);
      parts.push(Buffer.from(keys[i] ?? ''), END_OF_KEY, values.subarray(bounds[i], bounds[i + 1]));
    }
    made += count;
  }
  return Buffer.concat(parts);
}

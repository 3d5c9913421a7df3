import {
  type KafkaOptions,
  kafkaOptions,
} from '../../../packages/eventlake/src/engine/spark/kafka-source.js';
import type { EventLog, OffsetRange } from '../../../packages/eventlake/src/log/event-log.js';
import { openKafkaLog } from '../../../packages/eventlake/src/log/kafka-log.js';
import { partitionOf } from '../../../packages/eventlake/src/log/partitioner.js';
import { recordBatch } from '../../../packages/eventlake/src/log/record-batch.js';
import { type Broker, startBroker } from '../../log/kafka/broker.js';
import { kafkaSettings } from '../../log/kafka/client.js';

/** A real broker, our log on it, and what Spark needs to read it. */
export interface KafkaUnderTest {
  broker: Broker;
  log: EventLog;
  options: KafkaOptions;
  close(): Promise<void>;
}

export async function startKafka(): Promise<KafkaUnderTest> {
  // Records of ten megabytes belong to the engine's contract.
  const properties = { 'message.max.bytes': '20000000', 'replica.fetch.max.bytes': '20000000' };
  const broker = await startBroker({ properties });
  const settings = kafkaSettings({ brokers: [broker.address] });
  const log = await openKafkaLog(settings);
  return {
    broker,
    log,
    options: await kafkaOptions(settings),
    close: async () => {
      await log.close();
      await broker.remove();
    },
  };
}

/** Appends to one partition. @returns The range of what was added. */
export async function produceTo(
  log: EventLog,
  topic: string,
  values: readonly (Uint8Array | string | null)[],
  partition: number,
): Promise<OffsetRange> {
  const { partitions } = await log.topic(topic);
  const from = partitions[partition]!.endOffset;
  let n = 0;
  while (partitionOf(`key ${n}`, partitions.length) !== partition) n++;
  await log.append(topic, recordBatch(values.map((value) => ({ key: `key ${n}`, value }))));
  return { partition, from, to: (await log.topic(topic)).partitions[partition]!.endOffset };
}

import { settingsSchema } from '../../../packages/eventlake/src/config/schema.js';
import { Cluster } from '../../../packages/eventlake/src/log/kafka/cluster.js';
import { deleteRecords } from '../../../packages/eventlake/src/log/kafka/protocol/topic-apis.js';
import type { KafkaSettings } from '../../../packages/eventlake/src/log/kafka/settings.js';

/** The settings' defaults with these over them. */
export function kafkaSettings(settings: Partial<KafkaSettings> & { brokers: string[] }): KafkaSettings {
  return settingsSchema.parse({ log: { kafka: settings } }).log.kafka;
}

/** What only an administrator does to a topic. */
export function administrator(address: string) {
  const cluster = new Cluster([address], {
    ...{ clientId: 'test', connectTimeoutMs: 10_000, requestTimeoutMs: 30_000 },
    ...{ tls: undefined, sasl: undefined },
  });
  return {
    async removeBefore(topic: string, partition: number, offset: number): Promise<void> {
      await cluster.refresh(topic);
      const request = { topic, partition, before: offset };
      const { error } = await cluster.onLeader(topic, partition, deleteRecords, request);
      if (error !== 0) throw new Error(`DeleteRecords: error ${error}`);
    },
    close: () => cluster.close(),
  };
}

import { settingsSchema } from '../../../packages/eventlake/src/config/schema.js';
import { Cluster } from '../../../packages/eventlake/src/log/kafka/cluster.js';
import { deleteRecords } from '../../../packages/eventlake/src/log/kafka/protocol/topic-apis.js';
import type { KafkaSettings } from '../../../packages/eventlake/src/log/kafka/settings.js';

export type SomeSettings = Omit<Partial<KafkaSettings>, 'sasl'> & {
  brokers: string[];
  sasl?: Partial<KafkaSettings['sasl']>;
};

/** The settings' defaults with these over them. */
export function kafkaSettings(settings: SomeSettings): KafkaSettings {
  return settingsSchema.parse({ log: { kafka: settings } }).log.kafka;
}

/** What only an administrator does to a topic. */
export function administrator(addresses: string) {
  const cluster = new Cluster(addresses.split(','), {
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
    /** Of each partition, the broker that leads it. */
    leaders: async (topic: string): Promise<number[]> => (await cluster.refresh(topic)).leaders,
    async untilAllInSync(topic: string): Promise<void> {
      for (;;) {
        const found = await cluster.metadata([topic]).catch(() => undefined);
        const partitions = found?.topics[0]?.partitions ?? [];
        const isInSync = partitions.every(
          ({ leader, replicas, inSync }) => leader >= 0 && inSync === replicas,
        );
        if (partitions.length > 0 && isInSync) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    close: () => cluster.close(),
  };
}

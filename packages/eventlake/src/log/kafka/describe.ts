import { EventlakeError } from '../../errors.js';
import type { Cluster } from './cluster.js';
import { retrying } from './kafka-error.js';
import { describeConfigs } from './protocol/topic-apis.js';

export interface KafkaDescription {
  brokers: number;
  /** At least this one, by what the brokers can do. */
  release: string;
  topic: TopicDescription | undefined;
}

interface TopicDescription {
  partitions: number;
  /** Of them, those that a broker is missing from, or behind with. */
  shortOfReplicas: number;
  timestampType: string;
}

/** What `doctor` tells about a cluster: every broker is asked, not only the first. */
export async function describeCluster(
  cluster: Cluster,
  topic: string,
  retryTimeoutMs: number,
): Promise<KafkaDescription> {
  const { brokers } = await retrying(retryTimeoutMs, undefined, () => cluster.metadata([]));
  const connections = await Promise.all(brokers.map(({ id }) => cluster.shared(id)));
  const release =
    RELEASES.find(([api]) => connections.every((connection) => connection.has(api)))?.[1] ?? '3.0+';
  try {
    await cluster.refresh(topic);
    const partitions = (await cluster.metadata([topic])).topics[0]?.partitions ?? [];
    const shortOfReplicas = partitions.filter(({ replicas, inSync }) => inSync < replicas).length;
    const request = { topic, names: ['message.timestamp.type'] };
    const { configs } = await cluster.onController(describeConfigs, request);
    const timestampType = configs.get('message.timestamp.type') ?? 'CreateTime';
    const description = { partitions: partitions.length, shortOfReplicas, timestampType };
    return { brokers: brokers.length, release, topic: description };
  } catch (error) {
    if (!(error instanceof EventlakeError) || error.kind !== 'not-found') throw error;
    return { brokers: brokers.length, release, topic: undefined };
  }
}

/** Brokers do not say their version. Which requests they take tells it, roughly: the newest first. */
const RELEASES: readonly (readonly [{ key: number; version: number }, string])[] = [
  [{ key: 1, version: 18 }, '4.1+'],
  [{ key: 0, version: 12 }, '4.0+'],
  [{ key: 1, version: 15 }, '3.5+'],
  [{ key: 1, version: 13 }, '3.1+'],
];

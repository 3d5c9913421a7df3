import { EventlakeError } from '../../errors.js';
import { RECORD_BYTES_MAX } from '../../limits.js';
import { checkPartitions, checkTopicName, otherPartitions } from '../checks.js';
import type { PartitionInfo, TopicInfo, TopicOptions } from '../event-log.js';
import type { Cluster } from './cluster.js';
import { kafkaError, pause, retrying, topicNotFound } from './kafka-error.js';
import { code, isRetriable } from './protocol/error-codes.js';
import {
  alterConfigs,
  createTopics,
  deleteTopics,
  EARLIEST,
  LATEST,
  listOffsets,
} from './protocol/topic-apis.js';

/** A record of the longest value, with room for its key and headers. */
const MESSAGE_BYTES_MAX = RECORD_BYTES_MAX + 1024 * 1024;

export interface NewTopicSettings {
  /** -1: the broker's default. */
  replicationFactor: number;
  retryTimeoutMs: number;
}

/** Makes the topic, or takes over the retention where it is there. */
export async function createTopic(
  cluster: Cluster,
  topic: string,
  options: TopicOptions,
  { replicationFactor, retryTimeoutMs }: NewTopicSettings,
): Promise<void> {
  checkTopicName(topic);
  checkPartitions(topic, options.partitions);
  const configs = {
    // The lateness of a record and its append time are the log's to say, not the producer's clock's.
    'message.timestamp.type': 'LogAppendTime',
    'max.message.bytes': String(MESSAGE_BYTES_MAX),
    ...retentionConfigs(options),
  };
  await retrying(retryTimeoutMs, cluster.stopping, async () => {
    const known = await existing(cluster, topic);
    if (known) {
      if (known.leaders.length !== options.partitions)
        throw otherPartitions(topic, known.leaders.length, options.partitions);
      await setRetention(cluster, topic, options);
      return;
    }
    const { partitions } = options;
    const answer = await cluster.onController(createTopics, {
      topic,
      partitions,
      replicationFactor,
      configs,
    });
    // Somebody else's, or the one that is just being deleted: looked at again.
    if (answer.error === code.TOPIC_ALREADY_EXISTS)
      throw new EventlakeError('unavailable', 'The topic of this name is just made or deleted', { topic });
    if (answer.error !== 0) throw kafkaError(answer.error, 'make the topic', { topic }, answer.message);
    await untilAllHaveLeaders(cluster, topic, partitions);
  });
}

export async function deleteTopic(cluster: Cluster, topic: string, retryTimeoutMs: number): Promise<void> {
  await retrying(retryTimeoutMs, cluster.stopping, async () => {
    const { error } = await cluster.onController(deleteTopics, { topic });
    if (error === code.UNKNOWN_TOPIC_OR_PARTITION) throw topicNotFound(topic);
    if (error !== 0) throw kafkaError(error, 'delete the topic', { topic });
  });
  // Brokers hear of it one after the other.
  await retrying(retryTimeoutMs, cluster.stopping, async () => {
    if (await existing(cluster, topic))
      throw new EventlakeError('unavailable', 'The topic is not gone yet', { topic });
  });
}

export async function topicInfo(cluster: Cluster, topic: string): Promise<TopicInfo> {
  const { topicId, leaders } = await cluster.refresh(topic);
  return { topic, topicId, partitions: await allOffsets(cluster, topic, leaders) };
}

/** First offset kept and last stable offset, asked of the leader. */
export async function offsetsOf(cluster: Cluster, topic: string, partition: number): Promise<PartitionInfo> {
  const leader = await cluster.leader(topic, partition);
  return (await offsetsAt(cluster, topic, leader, [partition]))[0]!;
}

async function allOffsets(
  cluster: Cluster,
  topic: string,
  leaders: readonly number[],
): Promise<PartitionInfo[]> {
  const byLeader = new Map<number, number[]>();
  for (const [partition, leader] of leaders.entries()) {
    if (leader < 0)
      throw new EventlakeError('unavailable', 'The partition has no leader at the moment', {
        topic,
        partition,
      });
    byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition]);
  }
  const found = await Promise.all(
    [...byLeader].map(([leader, partitions]) => offsetsAt(cluster, topic, leader, partitions)),
  );
  return found.flat().sort((a, b) => a.partition - b.partition);
}

async function offsetsAt(
  cluster: Cluster,
  topic: string,
  leader: number,
  partitions: readonly number[],
): Promise<PartitionInfo[]> {
  const connection = await cluster.shared(leader);
  const ask = async (at: typeof EARLIEST | typeof LATEST) => {
    const answers = await connection.request(listOffsets, {
      topic,
      partitions: [...partitions],
      at,
      committed: true,
    });
    for (const { partition, error } of answers) {
      if (error === code.UNKNOWN_TOPIC_OR_PARTITION || isRetriable(error)) {
        cluster.forget(topic);
        throw new EventlakeError('unavailable', 'The broker does not know the partition yet', {
          topic,
          partition,
        });
      }
      if (error !== 0) throw kafkaError(error, 'tell offsets', { topic, partition });
    }
    return new Map(answers.map(({ partition, offset }) => [partition, offset]));
  };
  const [starts, ends] = await Promise.all([ask(EARLIEST), ask(LATEST)]);
  return partitions.map((partition) => {
    const startOffset = starts.get(partition)!;
    return { partition, startOffset, endOffset: Math.max(startOffset, ends.get(partition)!) };
  });
}

async function existing(cluster: Cluster, topic: string) {
  try {
    return await cluster.refresh(topic);
  } catch (error) {
    if (error instanceof EventlakeError && error.kind === 'not-found') return undefined;
    throw error;
  }
}

async function setRetention(cluster: Cluster, topic: string, options: TopicOptions): Promise<void> {
  const configs = retentionConfigs(options);
  if (Object.keys(configs).length === 0) return;
  const { error, message } = await cluster.onController(alterConfigs, { topic, configs });
  if (error !== 0) throw kafkaError(error, "set the topic's retention", { topic }, message);
}

/** Kafka bounds the bytes of each partition, not of the topic. */
function retentionConfigs(options: TopicOptions): Record<string, string> {
  const { partitions, retentionHours, retentionBytesMax } = options;
  return {
    ...(retentionHours !== undefined && { 'retention.ms': String(retentionHours * 3_600_000) }),
    ...(retentionBytesMax !== undefined && {
      'retention.bytes': String(Math.ceil(retentionBytesMax / partitions)),
    }),
  };
}

async function untilAllHaveLeaders(cluster: Cluster, topic: string, partitions: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const known = await existing(cluster, topic);
    if (known?.leaders.length === partitions && known.leaders.every((leader) => leader >= 0)) {
      // Knowing of it is not yet leading it: the first question of its offsets is answered when it is.
      const offsets = await allOffsets(cluster, topic, known.leaders).catch(() => undefined);
      if (offsets) return;
    }
    await pause(20);
  }
}

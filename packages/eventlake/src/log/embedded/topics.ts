import { randomUUID } from 'node:crypto';
import { EventlakeError } from '../../errors.js';
import { checkPartitions, checkTopicName, otherPartitions } from '../checks.js';
import type { TopicInfo, TopicOptions } from '../event-log.js';
import { getEnds, noRecords, putEnds } from './ends.js';
import type { Environment } from './environment.js';
import { blockKey } from './keys.js';
import type { TopicRecord } from './tables.js';

/** @throws EventlakeError `not-found`. */
export function getTopic(env: Environment, topic: string): TopicRecord {
  const record = env.topics.get(topic);
  if (!record) throw notFound(topic);
  return record;
}

export function topicInfo(env: Environment, topic: string, record: TopicRecord): TopicInfo {
  return {
    topic,
    topicId: record.topicId,
    partitions: getEnds(env, topic, record).map(({ startOffset, endOffset }, partition) => ({
      partition,
      startOffset,
      endOffset,
    })),
  };
}

export async function createTopic(
  env: Environment,
  topic: string,
  options: TopicOptions,
): Promise<TopicRecord> {
  checkTopicName(topic);
  checkPartitions(topic, options.partitions);
  const { retentionHours, retentionBytesMax } = options;
  const retention = {
    ...(retentionHours !== undefined && { retentionHours }),
    ...(retentionBytesMax !== undefined && { retentionBytesMax }),
  };
  return env.write(() => {
    const found = env.topics.get(topic);
    if (found && found.partitions !== options.partitions) {
      throw otherPartitions(topic, found.partitions, options.partitions);
    }
    const record = { ...(found ?? newTopic(env, options.partitions)), ...retention };
    if (!found) putEnds(env, record.number, noRecords(record.partitions));
    if (JSON.stringify(record) !== JSON.stringify(found)) env.topics.put(topic, record);
    return record;
  });
}

function newTopic(env: Environment, partitions: number): TopicRecord {
  const number = (env.meta.get('topics') ?? 0) + 1;
  env.meta.put('format', 1);
  env.meta.put('topics', number);
  return { topicId: randomUUID(), number, partitions };
}

export async function deleteTopic(env: Environment, topic: string): Promise<void> {
  await env.write(() => {
    const { number } = getTopic(env, topic);
    const range = { start: [number, ''] as [number, string], end: [number + 1, ''] as [number, string] };
    for (const table of [env.positions, env.sources]) {
      for (const key of [...table.getKeys(range)]) table.remove(key);
    }
    env.ends.remove(number);
    env.topics.remove(topic);
    // What makes the topic gone is this transaction. Its blocks follow, also after a crash: see removeGarbage.
    env.meta.put(['garbage', number], number);
  });
  await removeGarbage(env);
}

const BLOCKS_AT_ONCE = 256;

/** Removes the blocks of deleted topics, some at a time, so that producers never wait long for the lock. */
export async function removeGarbage(env: Environment): Promise<void> {
  const garbage = {
    start: ['garbage', 0] as [string, number],
    end: ['garbage', 2 ** 32] as [string, number],
  };
  for (const { value: number } of [...env.meta.getRange(garbage)]) {
    const range = { start: blockKey(number, 0, 0), end: blockKey(number + 1, 0, 0), limit: BLOCKS_AT_ONCE };
    let removed: number;
    do {
      removed = await env.write(() => {
        const keys = [...env.blocks.getKeys(range)];
        for (const key of keys) env.blocks.remove(key);
        if (keys.length === 0) env.meta.remove(['garbage', number]);
        return keys.length;
      });
    } while (removed > 0);
  }
}

function notFound(topic: string): EventlakeError {
  return new EventlakeError(
    'not-found',
    `There is no topic ${topic}`,
    { topic },
    'Whoever produces first makes it: start a producer, or ingest a file.',
  );
}
